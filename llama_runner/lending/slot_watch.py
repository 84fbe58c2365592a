"""Sees to it that a slot whose client has left really becomes idle.

The engine notices a closed connection when that request produces something,
or after a second in which nothing on the server did; every answer of
``/slots`` restarts that second. So one look comes early, the next ones with
gaps that leave the second its time.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from llama_runner.errors import RunnerError
from llama_runner.runner.child import Control

FIRST_LOOK = 0.05
LATER_LOOKS = 1.15


async def seen_idle(control: Control, others: Callable[[], int], bound: float) -> float | None:
    """Return after how many seconds only ``others`` were busy; ``None``: not within ``bound``.

    A child that can no longer be asked has ended, and its slots with it.
    """
    began = trio.current_time()
    gap = FIRST_LOOK
    while True:
        await trio.sleep(gap)
        try:
            busy = sum(slot.busy for slot in await control.slots())
        except RunnerError:
            return trio.current_time() - began
        elapsed = trio.current_time() - began
        if busy <= others():
            return elapsed
        if elapsed > bound:
            return None
        gap = LATER_LOOKS
