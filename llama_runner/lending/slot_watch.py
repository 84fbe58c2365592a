"""Sees to it that a slot whose client has left really becomes idle.

The engine notices a closed connection when that request produces something:
a token, or the progress of its prompt. It may have begun the next batch by
then; a question for ``/slots`` that waits between the two gives it the moment
it needs, so the first one is asked at once.

A request that produces nothing until its end (embeddings) is noticed only
after a second in which nothing on the server was answered, and every answer
of ``/slots`` restarts that second. So there the looks leave it its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, repeat

import trio

from llama_runner.errors import RunnerError
from llama_runner.runner.child import Control


def looks_at_stream() -> Iterator[float]:
    """Yield the pauses before each look at a slot that was streaming, in seconds."""
    return chain((0.0, 0.05, 0.05, 0.1), repeat(0.2))


def looks_at_silence() -> Iterator[float]:
    """Yield the pauses before each look at a slot that produces nothing until its end."""
    return chain((0.05,), repeat(1.15))


async def seen_idle(
    control: Control, others: Callable[[], int], bound: float, pauses: Iterator[float]
) -> float | None:
    """Return after how many seconds only ``others`` were busy; ``None``: not within ``bound``.

    A child that can no longer be asked has ended, and its slots with it.
    """
    began = trio.current_time()
    for pause in pauses:
        await trio.sleep(pause)
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
