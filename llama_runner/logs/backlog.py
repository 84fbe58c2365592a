"""Lines that wait to be written, in bounded room."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from threading import RLock

import trio
from attrs import define, field

from llama_runner.logs.line import LogLine

ROOM = 4 * 1024 * 1024
"""Bytes, roughly, of lines that may wait for one writer."""


@define(eq=False)
class Backlog:
    """Takes lines from any thread without waiting, and gives them to one Trio task.

    When it is full it turns new lines away and counts them; whoever takes the
    rest is told in a line of its own, at the very place where they are missing.
    """

    _room: int = ROOM
    _token: trio.lowlevel.TrioToken = field(factory=trio.lowlevel.current_trio_token)
    _lines: deque[LogLine] = field(factory=deque, init=False)
    _size: int = field(default=0, init=False)
    _lost: int = field(default=0, init=False)
    _filled: trio.Event = field(factory=trio.Event, init=False)
    _closed: trio.Event = field(factory=trio.Event, init=False)
    # Held for a few statements only; reentrant, since the garbage collector
    # may run a finaliser that logs in the middle of them.
    _lock: RLock = field(factory=RLock, init=False)

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed.is_set()

    def put(self, line: LogLine) -> None:
        """Keep the line, or count it as lost; callable from any thread, never waits."""
        with self._lock:
            idle = not self._lines and not self._lost
            if self._size + line.size > self._room:
                self._lost += 1
            else:
                self._lines.append(line)
                self._size += line.size
        if idle:
            # One wake-up a batch, not one a line. After the run's end nobody is left to wake.
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._wake)

    def close(self) -> None:
        """Say that nothing more will come; what waits can still be taken."""
        self._closed.set()
        self._wake()

    async def filled(self) -> bool:
        """Wait until there is something to take; false: there never will be again."""
        while not self._lines and not self._lost:
            if self.closed:
                return False
            self._filled = trio.Event()
            await self._filled.wait()
        return True

    def take(self) -> list[LogLine]:
        """Return what waits, and at its end how many lines there was no room for."""
        with self._lock:
            taken, lost = list(self._lines), self._lost
            self._lines.clear()
            self._size = self._lost = 0
        return [*taken, _missing(lost)] if lost else taken

    async def rest(self, seconds: float) -> None:
        """Pause, but not beyond the closing."""
        with trio.move_on_after(seconds):
            await self._closed.wait()

    def _wake(self) -> None:
        self._filled.set()


def _missing(count: int) -> LogLine:
    told = "1 log line was lost" if count == 1 else f"{count} log lines were lost"
    return LogLine(time.time(), "WARNING", "llama_runner.logs", told)
