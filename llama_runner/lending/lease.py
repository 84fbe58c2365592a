"""A request's permission to use a ready runner."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.lending.seat import Seat
from llama_runner.lending.slots import Terms
from llama_runner.relay.upstream_pool import UpstreamPool
from llama_runner.runner.state import Exited
from llama_runner.scheduling.trail import LOADED, UNANSWERED

FATE_KNOWN_WITHIN = 1.0
"""Seconds to wait for the exit of a child that broke off an answer."""


@define(eq=False)
class RunnerLease:
    """Holds one of a runner's slots; the runner is not evicted meanwhile."""

    seat: Seat
    pool: UpstreamPool
    slot: int
    terms: Terms
    client: str
    since: float | None = None
    """When it was granted, if it had been waited for."""
    first_token: Callable[[str], None] | None = None
    """Told when the answer begins, if somebody waits to know."""
    abandoned: bool = field(default=False, init=False)

    def wants_no_token(self) -> None:
        """Say that it was taken only to have the model loaded."""
        if self.first_token is not None:
            self.first_token(LOADED)

    def took_no_token(self) -> None:
        """Say that it is over, for those who still wait for its first token."""
        if self.first_token is not None:
            self.first_token(UNANSWERED)

    def abandon(self) -> None:
        """Say that what was asked of it is no longer wanted: its slot must be seen idle."""
        self.abandoned = True

    def keep_for(self, seconds: float) -> None:
        """Have the model stay loaded for so many idle seconds, until another request says else."""
        if self.seat.unwanted is None:
            self.seat.keep_alive = seconds

    def answered(self) -> None:
        """Say that the engine has worked on what was asked: its slot holds nothing older."""
        self.seat.slots.owners[self.slot] = self.client

    async def fate(self) -> RunnerLost:
        """Explain why the runner broke off, waiting shortly for its exit to be known."""
        if self.seat.fault:
            return RunnerLost(f"{self.seat.spec.key}: {self.seat.fault}")
        state = self.seat.runner.state
        with trio.move_on_after(FATE_KNOWN_WITHIN):
            exited = await state.wait_for(lambda now: isinstance(now, Exited))
            assert isinstance(exited, Exited)
            return RunnerLost(f"{self.seat.spec.key} stopped: {exited.diagnosis.message}")
        return RunnerLost(f"{self.seat.spec.key} broke off its answer")
