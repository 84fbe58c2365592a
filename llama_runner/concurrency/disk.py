"""Work on one part of the disk, in a thread and one piece after the other."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

WRITTEN_WITHIN = 2.0
"""Seconds that keeping something may take; what is not kept is gone with the next start."""


@define(eq=False)
class Disk:
    """Does one piece at a time, in the order in which they were given.

    A piece that nobody waits for any more goes on to its end, and the next one waits for that.
    """

    _one: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def do(self, work: Callable[[], object]) -> None:
        """Do something and wait for it; what it raises is raised here."""
        await trio.to_thread.run_sync(work, limiter=self._one, abandon_on_cancel=True)

    async def keep(self, work: Callable[[], object]) -> None:
        """Do something that is not worth a wait of more than ``WRITTEN_WITHIN``.

        It is left out if what comes before it takes as long.
        """
        with trio.move_on_after(WRITTEN_WITHIN):
            await self.do(work)
