"""The heartbeats of all clients that wait, by one task and one timer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from llama_runner.relay.heartbeat import Heartbeat


@define(eq=False)
class Pulse:
    """Beats for each client ``after`` seconds of waiting, and ``every`` so many from then on.

    A deadline of its own would cost each request more than reading its head does.
    """

    after: float
    _every: float
    _beats: dict[Heartbeat, None] = field(factory=dict, init=False)
    _resting: trio.Event | None = field(default=None, init=False)

    def add(self, beat: Heartbeat) -> None:
        """Beat for one more client, which is due no sooner than ``after`` seconds from now."""
        self._beats[beat] = None
        if self._resting is not None:
            self._resting.set()

    def remove(self, beat: Heartbeat) -> None:
        """Beat for a client no more."""
        del self._beats[beat]

    async def run(self) -> None:
        """Beat for ever."""
        while True:
            if not self._beats:
                self._resting = trio.Event()
                await self._resting.wait()
                self._resting = None
            await trio.sleep_until(self._beat(trio.current_time()))

    def _beat(self, now: float) -> float:
        """Beat where it is due; return when that will be so again, for whom we know or not yet."""
        next_due = now + self.after
        for beat in list(self._beats):
            if beat.due <= now:
                beat.due = now + self._every
                beat.beat()
            next_due = min(next_due, beat.due)
        return next_due


@asynccontextmanager
async def open_pulse(after: float, every: float) -> AsyncIterator[Pulse]:
    """Beat while the block lasts."""
    pulse = Pulse(after, every)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pulse.run)
        yield pulse
        nursery.cancel_scope.cancel()
