"""OpenAI's own client against the program, with real engines."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.openai_client import openai_client
from tests.support.served_program import ServedProgram

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HELLO: Any = [{"role": "user", "content": "Say hello."}]
# The template opens a thought unless told not to; a prompt remembered can change an answer.
PLAIN = {"chat_template_kwargs": {"enable_thinking": False}, "cache_prompt": False}
CITY = {"type": "string", "enum": ["Paris", "Rome"]}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": CITY}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def client(program: ServedProgram) -> Iterator[OpenAI]:
    with openai_client(program) as client:
        yield client


def ask(client: OpenAI, **fields: Any) -> Any:
    body = {**PLAIN, **fields.pop("extra_body", {})}
    asked = {"model": "chat", "messages": HELLO, "temperature": 0, "max_tokens": 8, **fields}
    return client.chat.completions.create(**asked, extra_body=body)


def assert_tells_both_numbers(error: openai.APIError) -> None:
    assert isinstance(error.body, dict)
    asked, room = (int(word) for word in error.body["message"].split() if word.isdigit())
    assert asked >= 3000
    assert room == 2048


def test_models_are_listed_and_retrieved(client):
    listed = {model.id for model in client.models.list()}
    assert listed == {"chat", "tiny-embedder"}
    model = client.models.retrieve("TALKER")
    assert (model.id, model.object) == ("chat", "model")
    assert model.created > 1_600_000_000
    assert client.models.retrieve("tiny-embedder.gguf").id == "tiny-embedder"


def test_a_chat_is_answered_whole(client):
    answer = ask(client)
    choice = answer.choices[0]
    assert answer.object == "chat.completion"
    assert answer.model == "chat"
    assert choice.message.role == "assistant"
    assert choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens > 0
    assert 0 < answer.usage.completion_tokens <= 8
    assert answer.usage.total_tokens == (
        answer.usage.prompt_tokens + answer.usage.completion_tokens
    )
    assert answer.timings["predicted_n"] == answer.usage.completion_tokens


def test_a_streamed_chat_tells_what_the_whole_one_tells(client):
    whole = ask(client).choices[0]
    chunks = list(ask(client, stream=True))
    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert told == whole.message.content
    assert chunks[-1].choices[0].finish_reason == whole.finish_reason
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_ends_with_the_usage_that_was_asked_for(client):
    *chunks, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert all(chunk.usage is None for chunk in chunks)
    assert last.choices == []
    assert last.usage.completion_tokens == 8
    assert last.usage.prompt_tokens > 0


def test_a_completion_is_answered_whole_and_streamed(client):
    asked: dict[str, Any] = {"model": "chat", "prompt": "One, two,", "temperature": 0}
    asked |= {"max_tokens": 6, "extra_body": {"cache_prompt": False}}
    whole = client.completions.create(**asked)
    assert whole.object == "text_completion"
    assert whole.usage.completion_tokens == 6
    chunks = list(client.completions.create(**asked, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text != ""


def test_a_required_tool_is_called(client):
    called: dict[str, Any] = {
        "tools": [WEATHER],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "max_tokens": 60,
        "extra_body": {"chat_template_kwargs": {"open_call": True}},
    }
    choice = ask(client, **called).choices[0]
    (call,) = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert json.loads(call.function.arguments)["city"] in CITY["enum"]
    deltas = [chunk.choices[0].delta for chunk in ask(client, stream=True, **called)]
    parts = [call for delta in deltas for call in delta.tool_calls or []]
    assert parts[0].id and parts[0].function.name == "get_weather"
    streamed = "".join(part.function.arguments or "" for part in parts)
    assert json.loads(streamed) == json.loads(call.function.arguments)


def test_a_json_schema_is_kept(client):
    schema = {"type": "object", "properties": {"city": CITY}, "required": ["city"]}
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    answer = ask(client, response_format=form, max_tokens=60)
    assert json.loads(answer.choices[0].message.content)["city"] in CITY["enum"]


def test_log_probabilities_are_kept(client):
    answer = ask(client, logprobs=True, top_logprobs=2, max_tokens=3)
    told = answer.choices[0].logprobs.content
    assert "".join(token.token for token in told) == answer.choices[0].message.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in told)


def test_several_choices_are_answered(client):
    answer = ask(client, n=2, max_tokens=4)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)
    streamed = {chunk.choices[0].index for chunk in ask(client, n=2, max_tokens=4, stream=True)}
    assert streamed == {0, 1}


def test_a_stop_word_ends_the_answer(client):
    said = {"grammar": 'root ::= "one two three four"'}
    answer = ask(client, stop=["three"], max_tokens=20, extra_body={**PLAIN, **said})
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content == "one two "


def test_an_unknown_model_is_not_found_and_the_known_ones_are_named(client):
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model="gpt-none")
    assert caught.value.code == "model_not_found"
    assert caught.value.param == "model"
    assert "gpt-none" in caught.value.message
    assert "chat" in caught.value.message and "tiny-embedder" in caught.value.message
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-none")


def test_a_body_that_is_no_json_is_a_bad_request(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.post(
            "/chat/completions",
            cast_to=object,
            content=b'{"model": "chat", "messages": [',
            options={"headers": {"content-type": "application/json"}},
        )
    assert caught.value.code == "invalid_json"
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"model": 7}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"n": 0}, "n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_type_is_a_bad_request_that_names_the_field(client, wrong, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, extra_body=wrong)
    assert caught.value.param == param
    assert f"'{param}': expected" in caught.value.message


@pytest.mark.parametrize("temperature", ["hot", [1]])
def test_a_wrong_type_that_only_the_engine_knows_is_a_bad_request(client, temperature):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, extra_body={"temperature": temperature})
    assert caught.value.message


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_too_long_is_a_bad_request_with_both_numbers(client, stream):
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="chat", prompt="word " * 3000, stream=stream)
    assert caught.value.code == "context_length_exceeded"
    assert_tells_both_numbers(caught.value)


def test_an_image_for_a_model_that_cannot_see_is_a_bad_request(client):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, messages=[{"role": "user", "content": [image]}])
    assert caught.value.code == "not_supported"
    assert caught.value.param == "model"


def test_an_engine_that_dies_ends_the_stream_with_an_error(client, program):
    endless = {**PLAIN, "ignore_eos": True}
    with ask(client, stream=True, max_tokens=1500, extra_body=endless) as stream:
        chunks = iter(stream)
        next(chunks)
        # Others may be loaded beside it.
        (engine,) = (one for one in program.engines() if "chat" in one.cmdline())
        engine.kill()
        with pytest.raises(openai.APIError) as caught:
            list(chunks)
    assert not isinstance(caught.value, openai.APIConnectionError)
    assert caught.value.code == "model_stopped"
    assert "chat" in caught.value.message


def test_the_next_request_starts_an_engine_that_died_anew(client):
    assert ask(client, max_tokens=1).choices[0].message.content is not None


def test_embeddings_come_as_numbers_and_as_base64(client):
    asked: dict[str, Any] = {"model": "tiny-embedder", "input": ["a cat", "two dogs"]}
    numbers = client.embeddings.create(**asked, encoding_format="float")
    assert [entry.index for entry in numbers.data] == [0, 1]
    assert numbers.usage.prompt_tokens > 0
    packed = client.with_raw_response.embeddings.create(**asked, encoding_format="base64")
    for entry, other in zip(numbers.data, packed.http_response.json()["data"], strict=True):
        assert sum(part * part for part in entry.embedding) == pytest.approx(1.0, abs=1e-3)
        content = base64.b64decode(other["embedding"])
        unpacked = struct.unpack(f"<{len(content) // 4}f", content)
        assert unpacked == pytest.approx(entry.embedding, abs=1e-6)
    # Without a format the client asks for base64 and unpacks it.
    assert client.embeddings.create(**asked).data[0].embedding == pytest.approx(
        numbers.data[0].embedding, abs=1e-6
    )


def test_a_chat_with_an_embedding_model_is_a_bad_request(client):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, model="tiny-embedder")
    assert caught.value.code == "not_supported"


def test_embeddings_of_a_chat_model_are_a_bad_request(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="chat", input="a cat")
    assert caught.value.code == "not_supported"


def test_a_response_is_answered_whole_and_as_a_stream(client):
    asked: Any = {"model": "chat", "input": "Say hello.", "max_output_tokens": 8, "temperature": 0}
    told = client.responses.create(**asked)
    assert told.status in ("completed", "incomplete") and told.usage.output_tokens == 8
    events = [*client.responses.create(**asked, stream=True)]
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    assert events[-1].response.usage.output_tokens == 8
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="nobody", input="Hi")
