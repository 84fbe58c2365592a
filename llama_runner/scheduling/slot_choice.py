"""Chooses a slot for a prompt by what the slots hold, so that as little as possible is lost."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from attrs import define, field

from llama_runner.scheduling.conversation import Conversation

NEW = Conversation((), ())
"""One of which nothing is known."""

LAST_TURN = 2
"""Pieces by which a conversation goes on: an answer, and what is said to it."""

EMPTY = -1.0
"""What an empty slot costs: less than any other."""


@define(eq=False)
class Held:
    """What a slot holds, for whom, and what it would cost to lose."""

    conversation: Conversation
    client: str
    worth: float


@define(eq=False)
class SlotChoice:
    """Knows what each slot of one runner holds.

    A conversation gets the slot that holds most of it. One that is new gets an empty slot,
    else the one that costs least to lose: GreedyDual-Size (Cao and Irani, 1997) with the
    bytes of the prompt as cost. What was lost sets the level on which later prompts start,
    so that a large one is kept for long, but not for ever. ``shares`` says whether a client
    gains from what a slot holds for another.
    """

    slots: int
    shares: bool = False
    held: list[Held | None] = field(init=False)
    _level: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self.held = [None] * self.slots

    def choose(self, free: Sequence[int], client: str, asked: Conversation) -> int:
        """Return the one of the ``free`` slots that the prompt should have."""
        continued, most = -1, asked.topic
        cheapest, price = free[-1], inf
        whole = len(asked.marks) - LAST_TURN
        # Those given back last come first.
        for slot in reversed(free):
            held = self.held[slot]
            if held is None:
                if price != EMPTY:
                    cheapest, price = slot, EMPTY
                continue
            mine = self.shares or held.client == client
            common = asked.shared(held.conversation) if mine else 0
            if common > most:
                if common >= whole:
                    return slot
                continued, most = slot, common
            elif (cost := self._cost(held, asked, common)) <= price:
                cheapest, price = slot, cost
        if continued >= 0:
            return continued
        if price > 0:
            self._level += price
        return cheapest

    def hold(self, slot: int, client: str, asked: Conversation) -> None:
        """Note that a slot holds this prompt from now on."""
        self.held[slot] = Held(asked, client, self._level + asked.size)

    def _cost(self, held: Held, asked: Conversation, common: int) -> float:
        gained = asked.sizes[common - 1] if common else 0
        return max(0.0, held.worth - self._level - gained)
