"""A sink over a writer that may block."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from llama_runner.logs.line import LogLine


@define(eq=False)
class ThreadSink:
    """Lets the writer write in a thread, one write at a time.

    Only cancelling abandons a thread, and that happens only when the program
    ends while its disk or console stalls. The limiter is its own, so that a
    stalled writer takes no other part's place.
    """

    name: str
    _write: Callable[[Sequence[LogLine]], int]
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(1), init=False)

    async def write(self, lines: Sequence[LogLine]) -> int:
        """Write some of the lines; return how many."""
        return await trio.to_thread.run_sync(
            self._write, lines, limiter=self._limiter, abandon_on_cancel=True
        )
