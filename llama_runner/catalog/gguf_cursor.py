"""A place in a GGUF file, and the window of its bytes that has been read so far."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")

# Real headers end well below 32 MiB; whatever asks for more is broken or hostile.
LONGEST_HEADER = 128 * 1024 * 1024
# Larger reads cost more than they save: their buffers are fresh memory each time.
WINDOW = 64 * 1024


class GGUFError(Exception):
    """The bytes are not a usable GGUF header; the message names the key or the offset."""


@frozen
class Span:
    """A range of the file that the reader asks to see next."""

    position: int
    size: int


Reading: TypeAlias = Generator[Span, bytes, T]
"""A computation that yields the spans it needs and is sent their bytes.

Whoever drives it may send fewer bytes than asked for, but at least one; no
bytes at all mean that the file has ended early.
"""


@define(eq=False)
class Cursor:
    """Walks forward through a file of known size.

    Nothing is allocated because a header says so: every length is claimed
    against what is left of the file first.
    """

    size: int
    window: bytes = field(default=b"", init=False)
    at: int = field(default=0, init=False)
    leapt: bool = field(default=False, init=False)
    _start: int = field(default=0, init=False)
    _received: int = field(default=0, init=False)

    @property
    def position(self) -> int:
        """The offset in the file of the next byte."""
        return self._start + self.at

    @property
    def remaining(self) -> int:
        """How many bytes of the file are left."""
        return self.size - self._start - self.at

    @property
    def buffered(self) -> int:
        """How many of the next bytes have been read already."""
        return len(self.window) - self.at

    def claim(self, count: int, what: str) -> None:
        """Refuse ``what`` if it needs more bytes than the file has left."""
        if count > self.remaining:
            raise GGUFError(
                f"{what} at byte {self.position} needs {count} bytes, "
                f"but only {self.remaining} are left in the file"
            )

    def need(self, count: int, what: str) -> Reading[None]:
        """Bring the next ``count`` bytes into the window."""
        if count <= self.buffered:
            return
        self.claim(count, what)
        pieces = [self.window[self.at :]]
        held = len(pieces[0])
        position = self.position
        while held < count:
            wanted = min(max(count - held, WINDOW), self.size - position - held)
            piece = yield Span(position + held, wanted)
            self._account(piece)
            pieces.append(piece)
            held += len(piece)
        self._start, self.at, self.window = position, 0, b"".join(pieces)

    def take(self, count: int, what: str) -> Reading[bytes]:
        """Return the next ``count`` bytes and step over them."""
        yield from self.need(count, what)
        taken = self.window[self.at : self.at + count]
        self.at += count
        return taken

    def skip(self, count: int, what: str) -> None:
        """Step over ``count`` bytes; those not read yet never will be."""
        self.claim(count, what)
        if count <= self.buffered:
            self.at += count
        else:
            self._start, self.at, self.window = self.position + count, 0, b""

    def _account(self, piece: bytes) -> None:
        if not piece:
            raise GGUFError("the file ended while it was being read")
        self._received += len(piece)
        if self._received > LONGEST_HEADER:
            raise GGUFError(f"the header is longer than {LONGEST_HEADER} bytes")
