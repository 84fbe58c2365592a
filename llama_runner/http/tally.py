"""Counts what is in progress for each of many, up to a limit."""

from __future__ import annotations

from attrs import define, field


@define(eq=False)
class Tally:
    """How many of something each name has; no name has more than ``limit``.

    A name that has none takes no memory, so that a client cannot make it grow
    by coming under ever new ones.
    """

    limit: int
    _counts: dict[str, int] = field(factory=dict, init=False)

    def add(self, name: str) -> bool:
        """Count one more, unless ``name`` has as many as it may; say whether it was counted."""
        count = self._counts.get(name, 0)
        if count >= self.limit:
            return False
        self._counts[name] = count + 1
        return True

    def remove(self, name: str) -> None:
        """Count one less."""
        if left := self._counts.pop(name) - 1:
            self._counts[name] = left

    def __len__(self) -> int:
        """Return how many names have any."""
        return len(self._counts)
