"""The last of what a child printed."""

from __future__ import annotations

from collections import deque

import trio
from attrs import define, field, frozen

CAPACITY = 256 * 1024
LONGEST_LINE = 8 * 1024


@frozen
class Lines:
    """A run of printed lines, and how many were lost before it."""

    lines: tuple[str, ...]
    lost: int
    end: int
    """The number of the line that comes next."""


@define(eq=False)
class LogTail:
    """Keeps as many of the newest lines as fit; whoever wants them comes and takes them.

    The readers of a child's pipes only append here, so that neither a slow
    disk nor a slow subscriber can ever fill a pipe and freeze the child.
    Lines are numbered from 0; a taker that comes late is told how many it missed.
    """

    capacity: int = CAPACITY
    _blocks: deque[bytes] = field(factory=deque, init=False)
    _size: int = field(default=0, init=False)
    _first: int = field(default=0, init=False)
    _end: int = field(default=0, init=False)
    _grown: trio.Event = field(factory=trio.Event, init=False)

    @property
    def end(self) -> int:
        """The number of the line that will be printed next."""
        return self._end

    def append(self, block: bytes) -> None:
        """Keep whole lines, each ending in a newline; never blocks."""
        if not block:
            return
        self._blocks.append(block)
        self._size += len(block)
        self._end += block.count(b"\n")
        while self._size > self.capacity and len(self._blocks) > 1:
            self._forget(self._blocks.popleft())
        grown, self._grown = self._grown, trio.Event()
        grown.set()

    def since(self, number: int) -> Lines:
        """Return what is kept from line ``number`` on."""
        start = max(number, self._first)
        if start >= self._end:
            return Lines((), 0, self._end)
        kept = b"".join(self._blocks).split(b"\n")[:-1]
        wanted = tuple(_text(line) for line in kept[start - self._first :])
        return Lines(wanted, start - number, self._end)

    def last(self, count: int) -> tuple[str, ...]:
        """Return the newest ``count`` lines, or as many as there are."""
        return self.since(max(0, self._end - count)).lines

    async def more_than(self, number: int) -> None:
        """Wait until line ``number`` has been printed."""
        while self._end <= number:
            await self._grown.wait()

    def _forget(self, block: bytes) -> None:
        self._size -= len(block)
        self._first += block.count(b"\n")


def _text(line: bytes) -> str:
    cut = line[:LONGEST_LINE].decode(errors="replace").rstrip("\r")
    left_out = len(line) - LONGEST_LINE
    return f"{cut} … ({left_out} more bytes)" if left_out > 0 else cut
