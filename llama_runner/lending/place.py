"""A request's place in the queue."""

from __future__ import annotations

from math import inf
from typing import Protocol

import trio
from attrs import define, field

from llama_runner.errors import LlamaRunnerError
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.relay.dialect import Waiting
from llama_runner.scheduling.conversation import Asked
from llama_runner.scheduling.ticket import Ticket


class Queue(Protocol):
    """Whoever gives places and takes them back."""

    def enter(self, place: QueuedPlace) -> None:
        """Let it wait, or settle it at once; raises what refuses it."""
        ...

    def leave(self, place: QueuedPlace) -> None:
        """Take back what it holds, its lease included."""
        ...

    def look(self, place: QueuedPlace) -> Waiting:
        """Return what to tell a client that waits there."""
        ...

    def context(self, place: QueuedPlace) -> int:
        """Return how many tokens its model has for it, or will have; 0 if that is not known."""
        ...

    def give_up(self, place: QueuedPlace) -> LlamaRunnerError:
        """Return what to tell a client that has waited there for too long."""
        ...


@define(eq=False)
class QueuedPlace:
    """Waits until it is settled: by a lease, or by the reason why there is none.

    It is in the queue while its block lasts; leaving it gives everything back. One that is
    served at once never gets a ticket.
    """

    spec: ModelSpec
    client: str
    _queue: Queue
    asked: Asked | None = None
    yields: bool = False
    ticket: Ticket | None = field(default=None, init=False)
    deadline: float = field(default=inf, init=False)
    """When the wait ends without a lease (trio's clock); whoever gives the place says so."""
    lease: RunnerLease | None = field(default=None, init=False)
    _error: LlamaRunnerError | None = field(default=None, init=False)
    _settled: trio.Event | None = field(default=None, init=False)

    def __enter__(self) -> QueuedPlace:
        self._queue.enter(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.leave(self)

    def settle(self, outcome: RunnerLease | LlamaRunnerError) -> None:
        """End the wait."""
        if isinstance(outcome, RunnerLease):
            self.lease = outcome
        else:
            self._error = outcome
        if self._settled is not None:
            self._settled.set()

    async def granted(self) -> RunnerLease:
        """Wait for the lease.

        Raises:
            LlamaRunnerError: there will be none, and why.

        """
        if self.lease is None and self._error is None:
            await self._wait()
        if self.lease is None:
            assert self._error is not None
            raise self._error
        return self.lease

    async def _wait(self) -> None:
        if self._settled is None:
            self._settled = trio.Event()
        with trio.CancelScope(deadline=self.deadline) as scope:
            await self._settled.wait()
        if scope.cancelled_caught:
            raise self._queue.give_up(self)

    @property
    def wanted(self) -> int:
        """How many tokens the request wants its model to hold; 0 if it does not say."""
        return (self.asked.context or 0) if self.asked is not None else 0

    @property
    def context(self) -> int:
        """How many tokens its model has for it, or will have; 0 if that is not known."""
        return self.lease.seat.spec.context if self.lease is not None else self._queue.context(self)

    @property
    def waiting(self) -> Waiting:
        """What to tell a client that waits here."""
        return self._queue.look(self)
