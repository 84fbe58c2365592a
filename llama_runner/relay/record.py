"""Keeps the times of one request while it is served."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field, frozen

from llama_runner.events.exchange import Exchange, Outcome
from llama_runner.events.usage import Usage
from llama_runner.scheduling.trail import SERVED


@frozen
class Durations:
    """Seconds since a request came: until now, and until it had its lease."""

    total: float
    granted: float | None


@define(eq=False)
class Record:
    """One request in the making; ``exchange`` sums it up at its end."""

    number: int
    route: str
    model: str = ""
    streamed: bool = False
    outcome: Outcome = Outcome.CANCELLED
    error: str | None = None
    usage: Usage | None = None
    closed_after: float | None = None
    began: float = field(factory=trio.current_time, init=False)
    _granted: float | None = field(default=None, init=False)
    _first_token: Callable[[str], None] | None = field(default=None, init=False)
    _first_byte: float | None = field(default=None, init=False)

    def granted(self, first_token: Callable[[str], None] | None) -> None:
        """Note that it has its lease, and who wants to know when its answer begins."""
        self._granted, self._first_token = self._elapsed(), first_token

    def first_byte(self) -> None:
        """Note that the engine's answer begins to reach the client."""
        if self._first_byte is None:
            self._first_byte = self._elapsed()
            if self._first_token is not None:
                self._first_token(SERVED)

    def durations(self) -> Durations:
        """Return how long it has taken so far."""
        return Durations(self._elapsed(), self._granted)

    def exchange(self) -> Exchange:
        """Return what the request was like."""
        return Exchange(
            number=self.number,
            model=self.model,
            route=self.route,
            streamed=self.streamed,
            outcome=self.outcome,
            error=self.error,
            granted=self._granted,
            first_byte=self._first_byte,
            total=self._elapsed(),
            usage=self.usage,
            closed_after=self.closed_after,
        )

    def _elapsed(self) -> float:
        return trio.current_time() - self.began
