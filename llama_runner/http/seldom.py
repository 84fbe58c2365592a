"""Keeps what could be said all the time from filling the log."""

from __future__ import annotations

from math import inf

import trio
from attrs import define, field


@define(eq=False)
class Seldom:
    """Something that is said at most once in so many seconds."""

    every: float = 60.0
    _said_at: float = field(default=-inf, init=False)

    def is_due(self) -> bool:
        """Tell whether it may be said now, and take it that it is."""
        now = trio.current_time()
        if now < self._said_at + self.every:
            return False
        self._said_at = now
        return True
