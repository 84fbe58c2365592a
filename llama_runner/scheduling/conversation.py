"""What of a prompt tells which slot it should have: marks of its beginnings, not its words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

from attrs import define


@define(eq=False)
class Conversation:
    """A prompt in pieces: its messages, or blocks of its text.

    Each of the ``marks`` stands for all that is in front of it too: prompts with the same
    mark at one place begin alike up to there. ``sizes`` are the bytes up to each of these
    places. Prompts that have the piece at ``topic`` in common are of one conversation;
    what comes before it, such as a system prompt, many of them begin with.
    """

    marks: Sequence[int]
    sizes: Sequence[int]
    topic: int = 0

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.sizes[-1] if self.sizes else 0

    def shared(self, other: Conversation) -> int:
        """Return how many pieces both begin with."""
        ours, theirs = self.marks, other.marks
        most = min(len(ours), len(theirs))
        # Nearly always one continues the other, or they have nothing in common.
        if not most or ours[0] != theirs[0]:
            return 0
        if ours[most - 1] == theirs[most - 1]:
            return most
        return bisect_left(range(most), x=True, key=lambda place: ours[place] != theirs[place])


class Asked(Protocol):
    """A request, as far as its model and the choice of its slot go."""

    @property
    def choices(self) -> int:
        """How many answers it asks for; each further one takes whatever slot is free."""
        ...

    @property
    def context(self) -> int | None:
        """How many tokens it wants its model to hold for it, if it says so."""
        ...

    def conversation(self) -> Conversation | None:
        """Return what it is to be recognised by; None if it leaves nothing in its slot."""
        ...
