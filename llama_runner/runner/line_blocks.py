"""Blocks of whole lines out of bytes that are cut anywhere."""

from __future__ import annotations

from attrs import define, field

LONGEST_PENDING = 64 * 1024


@define(eq=False)
class LineBlocks:
    """Holds back an unfinished line until it ends.

    It works on blocks, not on lines, since a child may print a gigabyte. A
    line that never ends is broken, so that memory stays bounded.
    """

    _pending: bytearray = field(factory=bytearray, init=False)

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return the lines they complete, each with its newline."""
        end = chunk.rfind(b"\n") + 1
        block = b""
        if end:
            block = bytes(self._pending) + chunk[:end]
            self._pending.clear()
        self._pending += chunk[end:]
        if len(self._pending) > LONGEST_PENDING:
            block += self.end()
        return block

    def end(self) -> bytes:
        """Return the line that the end of the stream leaves unfinished."""
        block = bytes(self._pending) + b"\n" if self._pending else b""
        self._pending.clear()
        return block
