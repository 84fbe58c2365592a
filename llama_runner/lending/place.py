"""A request's place in the queue."""

from __future__ import annotations

from math import inf
from typing import Protocol

import trio
from attrs import define, field

from llama_runner.errors import LlamaRunnerError, QueueFull
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.relay.dialect import Waiting
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


@define(eq=False)
class QueuedPlace:
    """Waits until it is settled: by a lease, or by the reason why there is none.

    It is in the queue while its block lasts; leaving it gives everything back.
    """

    ticket: Ticket
    spec: ModelSpec
    _queue: Queue
    deadline: float = field(default=inf, init=False)
    """When the wait ends without a lease (trio's clock); whoever gives the place says so."""
    lease: RunnerLease | None = field(default=None, init=False)
    _error: LlamaRunnerError | None = field(default=None, init=False)
    _settled: trio.Event = field(factory=trio.Event, init=False)

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
        self._settled.set()

    async def granted(self) -> RunnerLease:
        """Wait for the lease.

        Raises:
            LlamaRunnerError: there will be none, and why.

        """
        if not self._settled.is_set():
            await self._wait()
        if self.lease is None:
            assert self._error is not None
            raise self._error
        return self.lease

    async def _wait(self) -> None:
        with trio.CancelScope(deadline=self.deadline) as scope:
            await self._settled.wait()
        if scope.cancelled_caught:
            raise QueueFull(f"{self.spec.key} did not become free in time; try again later")

    @property
    def waiting(self) -> Waiting:
        """What to tell a client that waits here."""
        return self._queue.look(self)
