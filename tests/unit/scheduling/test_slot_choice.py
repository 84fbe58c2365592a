"""Which slot a prompt gets, and what is lost by it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.scheduling.conversation import Conversation
from llama_runner.scheduling.slot_choice import Held, SlotChoice


def said(*pieces: str, topic: int = 0) -> Conversation:
    """Return the conversation in which this was said."""
    marks = [hash(pieces[: place + 1]) for place in range(len(pieces))]
    sizes = [sum(map(len, pieces[: place + 1])) for place in range(len(pieces))]
    return Conversation(marks, sizes, topic)


@define(eq=False)
class Using:
    """Asks for one slot after the other, as if each answer were over at once."""

    choice: SlotChoice
    free: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.free = list(reversed(range(self.choice.slots)))

    def ask(self, asked: Conversation, client: str = "one", busy: Sequence[int] = ()) -> int:
        free = [slot for slot in self.free if slot not in busy]
        slot = self.choice.choose(free, client, asked)
        assert slot in free
        self.choice.hold(slot, client, asked)
        self.free.remove(slot)
        self.free.append(slot)
        return slot


def test_a_conversation_keeps_its_slot() -> None:
    using = Using(SlotChoice(4))
    turns = ["hello"]
    first = using.ask(said(*turns))
    for _ in range(5):
        turns += ["answer", "question"]
        assert using.ask(said(*turns)) == first


def test_two_conversations_do_not_wipe_each_other() -> None:
    using = Using(SlotChoice(2))
    one, other = ["one"], ["other"]
    slots = [using.ask(said(*one)), using.ask(said(*other))]
    assert sorted(slots) == [0, 1]
    for _ in range(10):
        for turns, slot in zip((one, other), slots, strict=True):
            turns += ["answer", "question"]
            assert using.ask(said(*turns)) == slot


def test_the_same_instructions_do_not_make_one_conversation_of_two() -> None:
    using = Using(SlotChoice(2))
    first = using.ask(said("instructions" * 100, "one", topic=1))
    second = using.ask(said("instructions" * 100, "other", topic=1))
    assert first != second
    assert using.ask(said("instructions" * 100, "one", "answer", "more", topic=1)) == first


def test_an_edited_conversation_keeps_its_slot() -> None:
    using = Using(SlotChoice(2))
    first = using.ask(said("hello", "answer", "question"))
    assert using.ask(said("hello", "answer", "another question")) == first


def test_a_short_call_does_not_take_the_slot_of_a_long_conversation() -> None:
    using = Using(SlotChoice(2))
    long = ["task " * 1000]
    first = using.ask(said(*long))
    for call in range(20):
        assert using.ask(said(f"find a title, {call}")) != first
        long += ["answer", "question"]
        assert using.ask(said(*long)) == first


def test_what_nobody_goes_on_with_is_lost_at_last() -> None:
    using = Using(SlotChoice(2))
    left_alone = using.ask(said("long " * 100))
    taken = [using.ask(said(f"another one, number {call} " * 5)) for call in range(40)]
    assert left_alone in taken


def test_of_two_slots_with_the_same_beginning_the_one_with_more_is_taken() -> None:
    using = Using(SlotChoice(2))
    first = using.ask(said("hello"))
    longer = using.ask(said("hello", "a", "b", "c", "d"), busy=[first])
    assert using.ask(said("hello", "a", "b", "c", "d", "e", "f")) == longer != first


def test_another_clients_prompt_is_no_reason_to_take_its_slot() -> None:
    using = Using(SlotChoice(2))
    first = using.ask(said("secret"), "one")
    assert using.ask(said("secret"), "two") != first


def test_where_clients_share_it_is() -> None:
    using = Using(SlotChoice(2, shares=True))
    first = using.ask(said("hello"), "one")
    assert using.ask(said("hello", "answer", "question"), "two") == first


conversations = st.lists(st.sampled_from(["a", "bb", "c" * 50]), min_size=1, max_size=4)


@given(st.lists(st.tuples(conversations, st.sampled_from(["one", "two"])), max_size=30))
def test_a_conversation_gets_the_free_slot_that_holds_most_of_it(
    asks: list[tuple[list[str], str]],
) -> None:
    using = Using(SlotChoice(3))
    for pieces, client in asks:
        asked = said(*pieces)
        common = [in_common(held, asked, client) for held in using.choice.held]
        empty = [held is None for held in using.choice.held]
        slot = using.ask(asked, client)
        if max(common):
            assert common[slot] >= max(1, max(common) - 2)
        elif any(empty):
            assert empty[slot]


def in_common(held: Held | None, asked: Conversation, client: str) -> int:
    return asked.shared(held.conversation) if held and held.client == client else 0
