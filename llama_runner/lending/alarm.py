"""Rings at the earliest of the times it was set to."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field


@define(eq=False)
class Alarm:
    """One timer for whatever becomes due by time alone.

    It may ring too early, never too late: nobody takes back a time that is no longer needed.
    """

    _ring: Callable[[], None]
    _waiting: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    def set(self, time: float) -> None:
        """Have it ring at ``time`` at the latest, on trio's clock."""
        if time < self._waiting.deadline:
            self._waiting.deadline = time

    async def run(self) -> None:
        """Ring whenever it is time to."""
        while True:
            with self._waiting:
                await trio.sleep_forever()
            self._waiting = trio.CancelScope()
            self._ring()
