from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.kept_context import context_of_messages, messages_of_context

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.fixed_dictionaries({"role": TEXTS, "content": TEXTS})))
def test_a_conversation_comes_back_as_it_was(messages: list[dict[str, Any]]) -> None:
    numbers = context_of_messages(messages)
    assert all(0 <= number < 65_536 for number in numbers)
    assert messages_of_context(numbers) == messages


def test_nothing_is_no_conversation() -> None:
    assert messages_of_context([]) == []


@given(st.lists(st.integers(), min_size=1))
def test_what_comes_from_elsewhere_is_refused(numbers: list[int]) -> None:
    with pytest.raises(BadRequest, match="^context: expected the numbers of an earlier answer"):
        messages_of_context(numbers)


@pytest.mark.parametrize("change", [slice(0, -1), slice(1, None)])
def test_what_was_cut_is_refused(change: slice) -> None:
    numbers = context_of_messages([{"role": "user", "content": "Hi"}])
    with pytest.raises(BadRequest):
        messages_of_context(numbers[change])
