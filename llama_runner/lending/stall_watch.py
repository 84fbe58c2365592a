"""Ends a child that hangs, however well it looks from outside.

It is measured by its progress, not by the clock: a long prompt on a slow machine may
take minutes, but says so in its log, in its slots' counters, or by what it sends.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field

from llama_runner.errors import RunnerError
from llama_runner.lending.seat import Seat
from llama_runner.runner.child import Slot

logger = logging.getLogger(__name__)

LOOKS = 10
"""So often it is looked at within the limit."""
WORK = "slot "
"""What lines of the log tell of work. Others come from those threads of the engine that take
requests: each one that is dropped unanswered leaves a line, our own question included."""
NOT_ASKED: Sequence[Slot] = ()


@define(eq=False)
class StallWatch:
    """Watches every runner, as one of its attendants; ``limit`` is in seconds."""

    limit: float

    @asynccontextmanager
    async def attend(self, seat: Seat) -> AsyncIterator[None]:
        """Watch the child of ``seat`` while the block lasts."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, seat)
            yield
            nursery.cancel_scope.cancel()

    async def _watch(self, seat: Seat) -> None:
        signs, slots, since = _Signs(seat), NOT_ASKED, trio.current_time()
        while True:
            await trio.sleep(self.limit / LOOKS)
            silent = trio.current_time() - since
            seen = signs.more()
            asked = await self._slots(seat) if silent >= self.limit / 2 else NOT_ASKED
            moved = seen or (asked and slots and asked != slots)
            if moved or not seat.leases:
                slots, since = NOT_ASKED, trio.current_time()
            elif silent >= self.limit:
                logger.warning("%s made no progress for %g s", seat.spec.key, self.limit)
                seat.end_for(f"it made no progress for {self.limit:g} s and was ended")
                return
            slots = asked or slots

    async def _slots(self, seat: Seat) -> Sequence[Slot]:
        """Return how far its slots are, if it says so soon."""
        child = seat.runner.child
        with trio.move_on_after(self.limit / LOOKS), suppress(RunnerError):
            return await child.control.slots() if child is not None else NOT_ASKED
        return NOT_ASKED


@define(eq=False)
class _Signs:
    """What a child shows of its progress unasked: what it sends, and what it logs of its work."""

    _seat: Seat
    _received: int = field(default=0, init=False)
    _line: int = field(default=0, init=False)

    def more(self) -> bool:
        """Tell whether there were any since this was last asked."""
        received, pool = self._received, self._seat.pool
        self._received = pool.received if pool is not None else 0
        lines = self._seat.runner.tail.since(self._line)
        self._line = lines.end
        return self._received != received or any(WORK in line for line in lines.lines)
