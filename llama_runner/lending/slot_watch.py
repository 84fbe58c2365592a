"""Sees to it that a slot whose client has left really becomes idle.

The engine notices a closed connection when that request produces something (a
token, the progress of its prompt), or after a second in which nothing on the
server was answered; and every answer of ``/slots`` restarts that second. So the
engine is left alone until its log says that a slot was released. The looks
between are few, for builds and log levels that do not say it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat

import trio

from llama_runner.errors import RunnerError
from llama_runner.runner.child import Control
from llama_runner.runner.log_tail import LogTail

RELEASED = "stop processing"
"""What the engine's log says of a slot that it has just released."""

FIRST_LOOK = 0.05
NEXT_LOOKS = 1.15
"""Seconds; longer than the one after which the engine itself looks for its client."""


async def seen_idle(
    control: Control, tail: LogTail, others: Callable[[], int], bound: float
) -> float | None:
    """Return after how many seconds only ``others`` were busy; ``None``: not within ``bound``.

    A child that can no longer be asked has ended, and its slots with it.
    """
    began, read = trio.current_time(), tail.end
    for pause in chain((FIRST_LOOK,), repeat(NEXT_LOOKS)):
        with trio.move_on_after(pause):
            read = await _released(tail, read)
        try:
            busy = sum(slot.busy for slot in await control.slots())
        except RunnerError:
            break
        elapsed = trio.current_time() - began
        if busy <= others():
            return elapsed
        if elapsed > bound:
            return None
    return trio.current_time() - began


async def _released(tail: LogTail, number: int) -> int:
    """Wait until a line from ``number`` on tells of a release; return the number behind it."""
    while True:
        await tail.more_than(number)
        lines = tail.since(number)
        if any(RELEASED in line for line in lines.lines):
            return lines.end
        number = lines.end
