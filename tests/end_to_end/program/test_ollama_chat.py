"""Ollama's own client chats with the program, with real engines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import ollama
import pytest
from attrs import evolve

from tests.support.ollama_client import ollama_client
from tests.support.served_program import ServedProgram, Setup, served
from tests.support.zoo.bert import write_embedder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

HELLO = [{"role": "user", "content": "Say hello."}]
SHORT = {"temperature": 0, "num_predict": 8, "seed": 1}
CITY = {"type": "string", "enum": ["Paris", "Rome"]}
PLACE = {"type": "object", "properties": {"city": CITY}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": PLACE}}
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ROOM = 512
"""Tokens that the plain model has for one request."""
COUNTERS = (
    *("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration"),
    *("eval_count", "eval_duration"),
)


@pytest.fixture(scope="module")
def program(setup: Setup, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProgram]:
    """Return a program that has the chat model also as one that must call a tool."""
    chat = dict(setup.models["models"]["chat"])
    # A prompt that is remembered can change an answer.
    fresh = {"cache_prompt": False}
    must_call = {**fresh, "tool_choice": "required", "chat_template_kwargs": {"open_call": True}}
    plain = {name: value for name, value in chat["parameters"].items() if name != "chat-template"}
    models = {
        "chat": {**chat, "request_defaults": fresh},
        "caller": {**chat, "aliases": [], "request_defaults": must_call},
        "plain": {**chat, "aliases": [], "request_defaults": fresh, "parameters": plain},
    }
    plain["ctx-size"] = 2 * ROOM
    folder = tmp_path_factory.mktemp("chatting")
    write_embedder(folder / "models" / "tiny-embedder" / "tiny-embedder.gguf")
    with served(evolve(setup, folder=folder, models={"models": models})) as program:
        yield program


@pytest.fixture(scope="module")
def client(program: ServedProgram) -> Iterator[ollama.Client]:
    with ollama_client(program) as client:
        yield client


def say(client: ollama.Client, **fields: Any) -> Any:
    asked = {"model": "chat", "messages": HELLO, "options": SHORT, "think": False, **fields}
    return client.chat(**asked)


def test_a_chat_is_answered(client):
    answer = say(client)
    assert answer.model == "chat"
    assert answer.message.role == "assistant" and answer.message.content
    assert answer.done and answer.done_reason in ("stop", "length")
    assert all(getattr(answer, name) > 0 for name in COUNTERS)
    assert answer.total_duration >= answer.eval_duration
    assert answer.created_at.endswith("Z")


def test_a_streamed_chat_tells_what_the_whole_one_tells(client):
    whole = say(client)
    *parts, last = say(client, stream=True)
    assert len(parts) > 3
    assert "".join(part.message.content for part in parts) == whole.message.content
    assert not any(part.done for part in parts)
    assert last.done and last.done_reason == whole.done_reason
    assert last.eval_count == whole.eval_count
    assert last.prompt_eval_count == whole.prompt_eval_count


def test_a_stop_word_and_a_limit_end_an_answer(client):
    said = say(client, model="plain", options={**SHORT, "num_predict": 3})
    assert (said.done_reason, said.eval_count) == ("length", 3)
    word = said.message.content.split()[-1]
    ended = say(client, model="plain", options={**SHORT, "num_predict": 30, "stop": [word]})
    assert ended.done_reason == "stop"
    assert word not in ended.message.content


def test_a_model_thinks_unless_told_not_to(client):
    for think in (None, True, "low"):
        assert say(client, think=think).message.thinking
    assert say(client).message.thinking is None
    parts = list(say(client, think=True, stream=True))
    assert any(part.message.thinking for part in parts)
    with pytest.raises(ollama.ResponseError, match='"plain" does not support thinking'):
        say(client, model="plain", think=True)
    assert say(client, model="plain").message.content


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called_with_an_object(client, stream):
    options = {**SHORT, "num_predict": 60}
    asked = {"model": "caller", "tools": [WEATHER], "options": options}
    parts = list(say(client, stream=True, **asked)) if stream else [say(client, **asked)]
    (call,) = [call for part in parts for call in part.message.tool_calls or []]
    assert call.function.name == "get_weather"
    assert call.function.arguments["city"] in CITY["enum"]
    assert parts[-1].done_reason == "stop"
    history = [*HELLO, {"role": "assistant", "content": "", "tool_calls": [call]}]
    result = {"role": "tool", "tool_name": "get_weather", "content": "It rains."}
    assert say(client, messages=[*history, result]).message.content


def test_tools_are_refused_where_they_are_unknown(client):
    with pytest.raises(ollama.ResponseError) as told:
        say(client, model="plain", tools=[WEATHER])
    refused = "registry.ollama.ai/library/plain:latest does not support tools"
    assert (told.value.status_code, told.value.error) == (400, refused)


def test_a_format_is_kept(client):
    options = {**SHORT, "num_predict": 60}
    answer = say(client, format=PLACE, options=options)
    assert json.loads(answer.message.content)["city"] in CITY["enum"]
    answer = client.generate("plain", "A place:", raw=True, format=PLACE, options=options)
    assert json.loads(answer.response)["city"] in CITY["enum"]
    answer = client.generate("plain", "A place:", format="json", options=options)
    assert answer.response.lstrip().startswith("{")


def test_log_probabilities_are_told(client):
    answer = say(client, logprobs=True, top_logprobs=2)
    assert "".join(one.token for one in answer.logprobs).startswith(answer.message.content)
    for one in answer.logprobs:
        assert one.logprob <= 0 and len(one.top_logprobs) == 2
    raw = client.generate("plain", "One, two,", raw=True, logprobs=True, options=SHORT)
    assert "".join(one.token for one in raw.logprobs) == raw.response
    assert raw.logprobs[0].top_logprobs is None


def test_a_completion_goes_on_where_it_ended(client):
    first = client.generate("plain", "My name is Ada.", system="Be kind.", options=SHORT)
    assert first.response and first.eval_count > 0
    second = client.generate("plain", "Who am I?", context=first.context, options=SHORT)
    assert second.prompt_eval_count > first.prompt_eval_count
    alone = client.generate("plain", "Who am I?", options=SHORT)
    assert alone.prompt_eval_count < second.prompt_eval_count
    streamed = list(client.generate("plain", "Who am I?", stream=True, options=SHORT))
    assert "".join(part.response for part in streamed) == alone.response
    assert streamed[-1].context == alone.context


def test_a_raw_prompt_and_a_template_are_continued_as_they_are(client):
    raw = client.generate("plain", "One, two,", raw=True, options=SHORT)
    assert raw.prompt_eval_count < 8 and raw.context is None
    template = "{{ if .System }}{{ .System }} {{ end }}{{ .Prompt }}"
    filled = client.generate("plain", "two,", system="One,", template=template, options=SHORT)
    assert filled.response == raw.response


def test_what_a_model_cannot_do_is_told(client):
    for fields, words in (
        ({"suffix": "x"}, "registry.ollama.ai/library/plain:latest does not support insert"),
        ({"images": [PNG]}, "image input is not supported"),
    ):
        with pytest.raises(ollama.ResponseError, match=words):
            client.generate("plain", "x", **fields)
    with pytest.raises(ollama.ResponseError, match='"tiny-embedder" does not support chat'):
        say(client, model="tiny-embedder")


def test_an_over_long_chat_loses_its_oldest_messages(client):
    turn = [{"role": "user", "content": "word " * 60}, {"role": "assistant", "content": "ok"}]
    asked = {"model": "plain", "messages": [*turn * 12, *HELLO]}
    answer = say(client, **asked)
    assert answer.message.content
    assert ROOM / 2 < answer.prompt_eval_count < ROOM
    long = client.generate("plain", "word " * 1500, raw=True, options=SHORT)
    assert ROOM / 2 < long.prompt_eval_count <= ROOM


def test_loading_and_unloading_are_told(client):
    loaded = client.generate("plain", keep_alive="1h")
    assert (loaded.done, loaded.done_reason, loaded.response) == (True, "load", "")
    assert "plain:latest" in [model.model for model in client.ps().models]
    gone = client.chat("plain", keep_alive=0)
    assert gone.done_reason == "unload"
    deadline = time.monotonic() + 30
    while "plain:latest" in [model.model for model in client.ps().models]:
        assert time.monotonic() < deadline, "the model stays loaded"


def test_a_stream_that_is_left_frees_its_slot(client, program):
    stream = say(client, stream=True, options={"num_predict": -1, "temperature": 1})
    next(stream)
    stream.close()
    began = time.monotonic()
    assert say(client).message.content
    assert time.monotonic() - began < 30


async def test_the_asynchronous_client_is_answered(program):
    async with ollama.AsyncClient(program.ollama, trust_env=False) as client:
        asked = {"model": "plain", "messages": HELLO, "options": SHORT}
        said = [part.message.content async for part in await client.chat(**asked, stream=True)]
        whole = await client.generate(model="plain", prompt="Say hello.", options=SHORT)
    assert "".join(said) == whole.response
