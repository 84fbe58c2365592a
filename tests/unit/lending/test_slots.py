"""Which slot a request is lent, and what the engine is told with it."""

from __future__ import annotations

from attrs import frozen

from llama_runner.lending.slots import Slots
from llama_runner.scheduling.conversation import Conversation


@frozen
class Asking:
    """A request of a conversation."""

    mark: int
    choices: int = 1
    context: int | None = None

    def conversation(self) -> Conversation:
        return Conversation([self.mark], [100])


def test_one_slot_needs_no_choice() -> None:
    slots = Slots(1)
    assert slots.choice is None
    assert slots.lend("one", Asking(1)) == (0, {})


def test_with_several_the_engine_is_told_which() -> None:
    slots = Slots(2)
    assert slots.lend("one", Asking(1)) == (0, {"id_slot": 0})
    assert slots.lend("one", Asking(2)) == (1, {"id_slot": 1})
    assert slots.free == []


def test_what_leaves_nothing_in_its_slot_takes_any() -> None:
    assert Slots(2).lend("one", None) == (0, {"id_slot": 0})


def test_a_slot_of_another_client_must_forget_until_it_has_answered() -> None:
    slots = Slots(1)
    slots.lend("one", Asking(1))
    slots.free.append(0)
    for _ in range(2):
        # Nothing of the first one's prompt was overwritten yet.
        assert slots.lend("two", Asking(1)) == (0, {"cache_prompt": False})
        slots.free.append(0)
    slots.lend("two", Asking(1))
    slots.owners[0] = "two"
    slots.free.append(0)
    assert slots.lend("two", Asking(1)) == (0, {})
    slots.free.append(0)
    assert slots.lend("one", Asking(1)) == (0, {"cache_prompt": False})


def test_a_slot_whose_answer_never_came_is_of_no_use_to_its_former_client_either() -> None:
    slots = Slots(1)
    slots.lend("one", Asking(1))
    slots.free.append(0)
    slots.lend("two", Asking(1))
    slots.free.append(0)
    assert slots.lend("one", Asking(1)) == (0, {"cache_prompt": False})


def test_where_clients_share_nothing_is_forgotten() -> None:
    slots = Slots(2, shares=True)
    slots.lend("one", Asking(1))
    slots.free.append(0)
    assert slots.lend("two", Asking(1)) == (0, {"id_slot": 0})


def test_several_answers_at_once_may_be_in_any_slot() -> None:
    slots = Slots(2)
    slots.lend("one", Asking(1))
    slots.free.append(0)
    slots.lend("two", Asking(2, choices=2))
    assert slots.lend("one", Asking(1)) == (0, {"id_slot": 0, "cache_prompt": False})
