"""The last bytes of a stream."""

from __future__ import annotations

from attrs import define, field

_SPARE = 8


@define(eq=False)
class Tail:
    """Keeps the last ``size`` bytes.

    It holds several times as many: to cut them off at every piece would copy
    all of them at every piece.
    """

    _size: int
    _held: bytearray = field(factory=bytearray, init=False)

    def feed(self, piece: bytes) -> None:
        """Take what came next."""
        self._held += piece
        if len(self._held) > _SPARE * self._size:
            del self._held[: -self._size]

    @property
    def last(self) -> bytes:
        """The last bytes so far, fewer if there were not as many."""
        return bytes(self._held[-self._size :])
