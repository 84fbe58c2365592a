"""The slots of one runner: which are free, and whose prompts they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from llama_runner.scheduling.conversation import Asked, Conversation
from llama_runner.scheduling.slot_choice import NEW, Held, SlotChoice

# No clients' names: those are of one line.
NOBODY = "\n"
ANYBODY = "\n\n"
"""What such a slot holds may be more than one client's."""

Terms = Mapping[str, Any]
"""What the engine is told with a request: its slot, and whether what that holds is of use."""


@define(eq=False)
class Slots:
    """Lends slots by number.

    With several, each request is told its slot: the one that holds its conversation. What
    a slot holds for one client is of no use to another (nor can he tell by the time it takes
    whether it begins as his prompt does), unless ``shares`` allows it.
    """

    count: int
    shares: bool = False
    free: list[int] = field(init=False)
    owners: list[str] = field(init=False)
    choice: SlotChoice | None = field(init=False)
    _terms: list[Terms] = field(init=False)
    _foreign: list[Terms] = field(init=False)

    def __attrs_post_init__(self) -> None:
        # The lowest number is lent first, which leaves the others' prompts alone for longest.
        self.free = list(reversed(range(self.count)))
        self.owners = [NOBODY] * self.count
        several = self.count > 1
        self.choice = SlotChoice(self.count, self.shares) if several else None
        self._terms = [{"id_slot": slot} if several else {} for slot in range(self.count)]
        self._foreign = [{**terms, "cache_prompt": False} for terms in self._terms]

    def lend(self, client: str, asked: Asked | None) -> tuple[int, Terms]:
        """Take a free slot for a client; return which, and the terms."""
        if self.choice is None or asked is None:
            slot = self.free.pop()
        else:
            slot = self._chosen(self.choice, client, asked)
        owner = self.owners[slot]
        if owner == client:
            return slot, self._terms[slot]
        if self.shares or owner == NOBODY:
            self.owners[slot] = client
            return slot, self._terms[slot]
        self.owners[slot] = ANYBODY
        return slot, self._foreign[slot]

    def put(self, slot: int, client: str, conversation: Conversation | None) -> None:
        """Note what a slot was given to hold by us."""
        self.owners[slot] = client
        if self.choice is not None:
            self.choice.hold(slot, client, conversation or NEW)

    def held(self, slot: int) -> Held | None:
        """Return what is known of what a slot holds; nothing where there is but one."""
        return self.choice.held[slot] if self.choice is not None else None

    def _chosen(self, choice: SlotChoice, client: str, asked: Asked) -> int:
        conversation = asked.conversation()
        if conversation is None:
            return self.free.pop()
        slot = choice.choose(self.free, client, conversation)
        if self.free[-1] == slot:
            self.free.pop()
        else:
            self.free.remove(slot)
        choice.hold(slot, client, conversation)
        if asked.choices > 1:
            self._spread(choice)
        return slot

    def _spread(self, choice: SlotChoice) -> None:
        """Expect the engine to use any free slot for the further answers."""
        for slot in self.free:
            choice.hold(slot, ANYBODY, NEW)
            self.owners[slot] = ANYBODY
