"""Anthropic's route in front of a scripted engine: what it is asked, and what a client is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.model_cards import model_card
from tests.support.program import Program, open_program
from tests.support.scripted_engine import TIMINGS, Asked, EngineConnection, ScriptedEngine

BODY: dict[str, Any] = {
    **{"model": "small", "max_tokens": 64},
    "messages": [{"role": "user", "content": "Hi"}],
}
CALL = {"name": "look", "arguments": '{"at": "sky"}'}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "delta": delta}
    return {"choices": [choice], "object": "chat.completion.chunk"}


THOUGHT_AND_CALL = (
    {"choices": [], "prompt_progress": {"total": 8, "processed": 4, "cache": 0, "time_ms": 1}},
    chunk(reasoning_content="Hm"),
    chunk(reasoning_content="m."),
    chunk(content="I "),
    chunk(content="look."),
    chunk(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "look", "arguments": ""}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"at": '}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": '"sky"}'}}]),
    chunk("tool_calls") | {"timings": {**TIMINGS, "cache_n": 5}},
)
CONTENT = [
    {"type": "thinking", "thinking": "Hmm.", "signature": ""},
    {"type": "text", "text": "I look."},
    {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "sky"}},
]
USAGE = {"input_tokens": 8, "cache_read_input_tokens": 5, "output_tokens": 3}


def saying(*chunks: Any, ends: bool = True) -> ScriptedEngine:
    """Return an engine that says this, and breaks off behind it unless it ``ends``."""

    async def answer(asked: Asked, connection: EngineConnection) -> None:
        await connection.start_stream()
        for each in chunks:
            await connection.event(each)
        if ends:
            await connection.event("[DONE]")
            await connection.end()

    return ScriptedEngine(answer)


SMALL = model_card(capabilities=frozenset({"completion", "chat", "tools", "thinking"}))


@pytest.fixture(params=["lmstudio", "ollama"])
async def program(request: Any, autojump_clock: MockClock) -> AsyncIterator[Program]:
    engine = saying(*THOUGHT_AND_CALL)
    async with open_program(facade=request.param, engine=engine, models=("small",)) as program:
        yield program


async def post(program: Program, **body: Any) -> Reply:
    request = request_bytes("POST", "/v1/messages", {**BODY, **body})
    return await ask(program.client(), request, "POST")


def events(reply: Reply) -> list[dict[str, Any]]:
    told = []
    for block in reply.body.decode().split("\n\n"):
        if block and not block.startswith(":"):
            name, data = block.split("\n")
            told.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {told[-1]['type']}"
    return told


async def test_a_whole_answer_has_thoughts_text_and_calls(program: Program) -> None:
    reply = await post(program)
    assert reply.status == 200
    told = reply.json
    assert told.pop("id").startswith("msg_")
    assert told == {
        **{"type": "message", "role": "assistant", "model": "small", "content": CONTENT},
        **{"stop_reason": "tool_use", "stop_sequence": None, "usage": USAGE},
    }


async def test_a_stream_tells_the_same_block_by_block(program: Program) -> None:
    reply = await post(program, stream=True)
    assert reply.headers["content-type"] == "text/event-stream"
    told = events(reply)
    assert [each["type"] for each in told] == [
        *("message_start", "content_block_start", "content_block_delta", "content_block_delta"),
        *("content_block_delta", "content_block_stop"),
        *("content_block_start", "content_block_delta", "content_block_delta"),
        *("content_block_stop", "content_block_start", "content_block_delta"),
        *("content_block_delta", "content_block_stop", "message_delta", "message_stop"),
    ]
    assert told[0]["message"]["content"] == []
    assert told[0]["message"]["usage"] == {"input_tokens": 8, "output_tokens": 0}
    starts = [each["content_block"] for each in told if each["type"] == "content_block_start"]
    assert [start["type"] for start in starts] == ["thinking", "text", "tool_use"]
    assert [each["index"] for each in told if "index" in each] == [0] * 5 + [1] * 4 + [2] * 4
    deltas = [each["delta"] for each in told if each["type"] == "content_block_delta"]
    assert "".join(delta.get("partial_json", "") for delta in deltas) == '{"at": "sky"}'
    assert told[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert told[-2]["usage"] == USAGE
    await wait_all_tasks_blocked()
    assert program.exchanges[-1].usage is not None


async def test_what_is_asked_becomes_a_chat(program: Program) -> None:
    image = {"type": "base64", "media_type": "image/png", "data": "aWNvbg=="}
    messages = [
        {"role": "user", "content": [{"type": "image", "source": image}, *texts("See", "this")]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "T"}, *CONTENT[1:]]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": texts("blue")},
                *texts("Well?"),
            ],
        },
    ]
    tool = {"name": "look", "description": "Look", "input_schema": {"type": "object"}}
    server_tool = {"type": "web_search_20250305", "name": "web_search"}
    reply = await post(
        program,
        **{"system": texts("Be", "brief"), "messages": messages, "tools": [tool, server_tool]},
        **{"tool_choice": {"type": "any"}, "stop_sequences": ["END"], "temperature": 0.5},
        **{"top_k": 3, "metadata": {"user_id": "x"}},
    )
    assert reply.status == 200, reply.body
    sent = program.engine.asked[-1].body
    call = {"id": "c1", "type": "function"}
    assert sent["messages"] == [
        {"role": "system", "content": "Be\nbrief"},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWNvbg=="}},
                *texts("See", "this"),
            ],
        },
        {
            **{"role": "assistant", "content": "I look.", "reasoning_content": "T"},
            "tool_calls": [{**call, "function": {"name": "look", "arguments": '{"at":"sky"}'}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "blue"},
        {"role": "user", "content": "Well?"},
    ]
    function = {"name": "look", "description": "Look", "parameters": {"type": "object"}}
    assert sent["tools"] == [{"type": "function", "function": function}]
    told = {name: sent[name] for name in ("tool_choice", "stop", "temperature", "top_k")}
    assert told == {"tool_choice": "required", "stop": ["END"], "temperature": 0.5, "top_k": 3}
    assert sent["max_tokens"] == 64


def texts(*each: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text} for text in each]


URL = {"type": "url", "url": "http://127.0.0.1/x.png"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": ""}, "model is required"),
        ({"max_tokens": None}, "max_tokens is required and must be positive"),
        ({"max_tokens": 0}, "max_tokens is required and must be positive"),
        ({"messages": []}, "messages is required"),
        ({"messages": [1]}, "messages[0]: expected an object"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role: expected user"),
        ({"messages": [{"role": "user"}]}, "messages[0].content: expected a string or a list"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": URL}]}]},
            "messages[0].content[0].source: expected base64 data",
        ),
        ({"stream": 1}, "stream: expected true or false"),
        ({"temperature": "hot"}, "temperature: expected a number"),
        ({"stop_sequences": "END"}, "stop_sequences: expected a list of strings"),
        ({"tools": [{}]}, "tools[0].name: expected a string"),
        (
            {"tools": [{"name": "a", "input_schema": {"minItems": 100_000}}]},
            "'tools': expected a minItems of at most 65536",
        ),
    ],
)
async def test_what_is_wrong_is_named_in_the_apis_own_shape(
    program: Program, change: dict[str, Any], told: str
) -> None:
    reply = await post(program, **change)
    assert reply.status == 400
    assert set(reply.json) == {"type", "error", "request_id"} and reply.json["type"] == "error"
    assert reply.json["error"]["type"] == "invalid_request_error"
    assert told in reply.json["error"]["message"]
    assert program.engine.asked == []


async def test_an_unknown_model_is_a_404(program: Program) -> None:
    reply = await post(program, model="nobody")
    assert (reply.status, reply.json["error"]["type"]) == (404, "not_found_error")


async def test_who_is_turned_away_at_the_door_is_told_so_too(program: Program) -> None:
    request = request_bytes("POST", "/v1/messages", BODY, {"origin": "https://evil.example"})
    reply = await ask(program.client(), request, "POST")
    assert (reply.status, reply.json["error"]["type"]) == (403, "permission_error")


async def test_thinking_is_passed_on_where_there_is_a_switch_for_it(
    autojump_clock: MockClock,
) -> None:
    async with open_program(engine=saying(*THOUGHT_AND_CALL), cards=(SMALL,)) as program:
        for kind, wanted in (("enabled", True), ("disabled", False)):
            assert (await post(program, model="plain", thinking={"type": kind})).status == 200
            sent = program.engine.asked[-1].body
            assert sent["chat_template_kwargs"] == {"enable_thinking": wanted}


async def test_thinking_of_a_model_without_it_is_dropped(program: Program) -> None:
    assert (await post(program, thinking={"type": "enabled", "budget_tokens": 1024})).status == 200
    assert "chat_template_kwargs" not in program.engine.asked[-1].body


@pytest.mark.parametrize(("finish", "reason"), [("stop", "end_turn"), ("length", "max_tokens")])
async def test_the_reason_of_an_end_has_anthropics_name(
    autojump_clock: MockClock, finish: str, reason: str
) -> None:
    engine = saying(chunk(content="Hi"), chunk(finish))
    async with open_program(engine=engine, models=("small",)) as program:
        assert (await post(program)).json["stop_reason"] == reason


async def test_an_engine_that_breaks_off_ends_the_stream_with_an_error(
    autojump_clock: MockClock,
) -> None:
    engine = saying(chunk(content="Hi"), {"error": {"code": 500, "message": "no more"}})
    async with open_program(engine=engine, models=("small",)) as program:
        *_, last = events(await post(program, stream=True))
        assert last["type"] == "error"
        assert last["error"] == {"type": "api_error", "message": last["error"]["message"]}
        assert "no more" in last["error"]["message"]
