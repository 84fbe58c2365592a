"""What a request's conversation is recognised by."""

from __future__ import annotations

from typing import Any

import pytest

from llama_runner.relay.conversations import conversation_of_chat, conversation_of_text

SYSTEM = {"role": "system", "content": "You help."}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_a_chat_that_goes_on_begins_as_it_did() -> None:
    before = conversation_of_chat({"messages": [SYSTEM, user("Hello")]})
    more = [SYSTEM, user("Hello"), {"role": "assistant", "content": "Yes?"}, user("Go on")]
    assert conversation_of_chat({"messages": more}).shared(before) == 2


def test_its_topic_is_the_first_message_that_instructs_nobody() -> None:
    developer = {"role": "developer", "content": "Be short."}
    assert conversation_of_chat({"messages": [SYSTEM, developer, user("Hello")]}).topic == 2
    assert conversation_of_chat({"messages": [user("Hello"), SYSTEM]}).topic == 0


@pytest.mark.parametrize("length", [1, 300, 5000])
def test_another_end_of_a_message_is_another_conversation(length: int) -> None:
    one, other = (
        conversation_of_chat({"messages": [user("x" * length + end)]}) for end in ("a", "b")
    )
    assert one.shared(other) == 0


def test_another_length_of_a_message_is_another_conversation() -> None:
    one, other = (
        conversation_of_chat({"messages": [user("x" * length)]}) for length in (5000, 5001)
    )
    assert one.shared(other) == 0


def test_other_tools_are_another_conversation() -> None:
    chat = {"messages": [user("Hello")]}
    with_tools = conversation_of_chat({**chat, "tools": [{"type": "function"}]})
    assert conversation_of_chat(chat).shared(with_tools) == 0


def test_a_text_that_goes_on_begins_as_it_did() -> None:
    text = "Once upon a time. " * 1000
    before, after = conversation_of_text(text), conversation_of_text(text + "And then " * 1000)
    assert after.shared(before) == len(before.marks) - 1 > 0


def test_tokens_count_as_a_text_does() -> None:
    tokens = list(range(10_000))
    before, after = conversation_of_text(tokens), conversation_of_text([*tokens, *tokens])
    assert after.shared(before) == len(before.marks) - 1 > 0


@pytest.mark.parametrize("fields", [{}, {"messages": []}, {"messages": ["?", None, 3]}])
def test_any_messages_will_do(fields: dict[str, Any]) -> None:
    assert conversation_of_chat(fields).size >= 0


def test_what_cannot_be_written_is_left_out() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    conversation = conversation_of_chat({"messages": [user("Hello"), {"content": deep}]})
    assert len(conversation.marks) == 1
