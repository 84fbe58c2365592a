"""Anthropic's own client against the program, with real engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.support.served_program import PATIENCE, ServedProgram

pytestmark = [pytest.mark.engine, pytest.mark.slow]

COLD = {"temperature": 0}
HELLO: Any = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module", params=["lmstudio", "ollama"])
def client(program: ServedProgram, request: Any) -> Iterator[Anthropic]:
    with Anthropic(
        base_url=getattr(program, request.param),
        api_key="not-needed",
        max_retries=0,
        timeout=PATIENCE,
        http_client=anthropic.DefaultHttpxClient(trust_env=False),
    ) as client:
        yield client


def test_a_whole_answer(client):
    told = client.messages.create(model="chat", max_tokens=8, messages=HELLO, extra_body=COLD)
    assert told.type == "message" and told.role == "assistant" and told.model == "chat"
    (block,) = told.content
    assert block.type in ("text", "thinking")
    assert told.stop_reason == "max_tokens"
    assert told.usage.output_tokens == 8
    assert told.usage.input_tokens + (told.usage.cache_read_input_tokens or 0) > 8


def test_a_stream_adds_up_to_a_message(client):
    with client.messages.stream(
        model="chat", max_tokens=8, messages=HELLO, system="Be brief.", extra_body=COLD
    ) as stream:
        kinds = [event.type for event in stream]
        told = stream.get_final_message()
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1
    assert (told.stop_reason, told.usage.output_tokens) == ("max_tokens", 8)


def test_a_tool_that_must_be_called_is(client):
    city = {"type": "string", "enum": ["Paris", "Rome"]}
    schema = {"type": "object", "properties": {"city": city}, "required": ["city"]}
    told = client.messages.create(
        model="chat",
        max_tokens=60,
        messages=HELLO,
        tools=[{"name": "get_weather", "input_schema": schema}],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        extra_body={**COLD, "chat_template_kwargs": {"open_call": True}},
    )
    assert told.stop_reason == "tool_use", told
    (call,) = (block for block in told.content if block.type == "tool_use")
    assert call.name == "get_weather" and call.input["city"] in ("Paris", "Rome")
    answer = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."}
    after = client.messages.create(
        model="chat",
        max_tokens=4,
        messages=[
            *HELLO,
            {"role": "assistant", "content": told.content},
            {"role": "user", "content": [answer]},
        ],
    )
    assert after.usage.output_tokens > 0


def test_errors_have_the_types_that_the_client_knows(client):
    with pytest.raises(anthropic.NotFoundError, match="nobody"):
        client.messages.create(model="nobody", max_tokens=8, messages=HELLO)
    with pytest.raises(anthropic.BadRequestError, match="max_tokens is required"):
        client.messages.create(model="chat", max_tokens=0, messages=HELLO)
