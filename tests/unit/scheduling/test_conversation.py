"""How much two prompts have in common."""

from __future__ import annotations

from itertools import accumulate, takewhile

from hypothesis import given
from hypothesis import strategies as st

from llama_runner.scheduling.conversation import Conversation

pieces = st.lists(st.integers(0, 2), max_size=12)


def conversation(said: list[int]) -> Conversation:
    """Mark a conversation by all that was said up to each place."""
    marks = [hash(tuple(said[: place + 1])) for place in range(len(said))]
    return Conversation(marks, list(accumulate(1 for _ in said)))


@given(pieces, pieces)
def test_what_both_begin_with_is_shared(one: list[int], other: list[int]) -> None:
    alike = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))))
    assert conversation(one).shared(conversation(other)) == alike


@given(pieces)
def test_its_size_is_that_of_all_its_pieces(said: list[int]) -> None:
    assert conversation(said).size == len(said)
