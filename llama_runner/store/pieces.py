"""A file in pieces, each of which is kept, told to be whole and checked by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from attrs import frozen

PIECE = 8 * 1024**2
"""Bytes: what of one connection is lost at most when we are killed."""

_RUN = 16
"""Pieces that are asked for in one request, at most."""


@frozen
class Pieces:
    """How a file of ``size`` bytes is cut; all but the last piece have ``length`` bytes."""

    size: int
    length: int = PIECE

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return -(-self.size // self.length)

    def start(self, index: int) -> int:
        """Return where a piece begins."""
        return index * self.length

    def end(self, index: int) -> int:
        """Return where a piece ends, exclusively."""
        return min(self.size, (index + 1) * self.length)

    def bytes_of(self, indices: Iterable[int]) -> int:
        """Return how many bytes these pieces have together."""
        return sum(self.end(index) - self.start(index) for index in indices)


def runs(indices: Iterable[int], most: int = _RUN) -> Iterator[deque[int]]:
    """Yield what can be asked for at once: pieces that follow each other, ``most`` at most."""
    run: deque[int] = deque()
    for index in sorted(indices):
        if run and (index != run[-1] + 1 or len(run) >= most):
            yield run
            run = deque()
        run.append(index)
    if run:
        yield run
