"""Tells on a terminal that a command waits, and for how long."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from llama_runner.platforms.console_text import CLEARED, heeds_sequences

SHOWN_AFTER = 0.5
"""Seconds that nobody need be told of."""
EVERY = 1.0


@asynccontextmanager
async def waiting(what: str) -> AsyncIterator[Callable[[], None]]:
    """Show on stderr, if that is a terminal, how long this lasts; yield what ends the showing."""
    shown = trio.CancelScope()
    async with trio.open_nursery() as nursery:
        if heeds_sequences(sys.stderr):
            nursery.start_soon(_show, what, shown)
        try:
            yield lambda: _end(shown)
        finally:
            _end(shown)


async def _show(what: str, shown: trio.CancelScope) -> None:
    with shown:
        began = trio.current_time()
        await trio.sleep(SHOWN_AFTER)
        while True:
            _write(f"{CLEARED}{what} ({trio.current_time() - began:.0f} s)")
            await trio.sleep(EVERY)


def _end(shown: trio.CancelScope) -> None:
    if not shown.cancel_called:
        shown.cancel()
        if heeds_sequences(sys.stderr):
            _write(CLEARED)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
