"""OpenAI's Responses in front of a scripted engine, whose own route it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.program import Program, open_program
from tests.support.scripted_engine import TIMINGS, Asked, EngineConnection, ScriptedEngine

LONG = 'as "long" as need be ' * 500
USAGE = {"input_tokens": 8, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 5}}
ABOUT = {"id": "resp_1", "object": "response", "status": "in_progress"}
PROGRESS = {"total": 8, "cache": 5, "processed": 8, "time_ms": 1}
ITEM = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}


def events(text: str, *, ends: bool = True) -> list[dict[str, Any]]:
    """Return what llama-server says (build b11434)."""
    whole = {**ABOUT, "status": "completed", "output": [{**ITEM, "content": [text]}]}
    told: list[dict[str, Any]] = [
        {"type": "response.created", "response": ABOUT},
        {"type": "response.in_progress", "response": ABOUT, "prompt_progress": PROGRESS},
        {"type": "response.output_item.added", "item": ITEM},
        {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text},
    ]
    last = {"type": "response.completed", "response": {**whole, "usage": USAGE}, "timings": TIMINGS}
    return [*told, last] if ends else told


async def _answer(asked: Asked, connection: EngineConnection) -> None:
    text = asked.body["instructions"]
    if not asked.body.get("stream"):
        whole = {**ABOUT, "output": [{**ITEM, "content": [text]}], "usage": USAGE}
        await connection.whole(200, whole)
        return
    await connection.start_stream()
    for each in events(text, ends=asked.body["input"] != "break off"):
        data = f"event: {each['type']}\ndata: {json.dumps(each, separators=(',', ':'))}\n\n"
        await connection.send(b"%x\r\n%b\r\n" % (len(data.encode()), data.encode()))
    await connection.send(b"0\r\n\r\n")


@pytest.fixture(params=["lmstudio", "ollama"])
async def program(request: Any, autojump_clock: MockClock) -> AsyncIterator[Program]:
    async with open_program(facade=request.param, engine=ScriptedEngine(_answer)) as program:
        yield program


async def post(program: Program, **body: Any) -> Reply:
    body = {"model": "a", "input": "Hi", "instructions": "short", **body}
    return await ask(program.client(), request_bytes("POST", "/v1/responses", body), "POST")


def told(reply: Reply) -> list[dict[str, Any]]:
    blocks = [block for block in reply.body.decode().split("\n\n") if block]
    return [json.loads(block.partition("\ndata: ")[2]) for block in blocks]


@pytest.mark.parametrize("text", ["short", LONG])
async def test_a_stream_is_passed_on_less_its_progress(program: Program, text: str) -> None:
    reply = await post(program, stream=True, instructions=text)
    assert reply.status == 200
    created, _, *rest = events(text)
    assert told(reply) == [created, *rest]
    await wait_all_tasks_blocked()
    usage = program.exchanges[-1].usage
    assert usage is not None and (usage.prompt_tokens, usage.completion_tokens) == (8, 3)


async def test_a_whole_answer_comes_as_it_is(program: Program) -> None:
    reply = await post(program, instructions=LONG)
    assert reply.json["output"] == [{**ITEM, "content": [LONG]}]
    await wait_all_tasks_blocked()
    usage = program.exchanges[-1].usage
    assert usage is not None and (usage.prompt_tokens, usage.cached_tokens) == (8, 5)


@pytest.mark.parametrize("text", ["short", LONG, '"usage":{"input_tokens":1}'])
async def test_a_stream_that_is_broken_off_ends_with_an_error(program: Program, text: str) -> None:
    reply = await post(program, stream=True, input="break off", instructions=text)
    *before, last = told(reply)
    created, _, *rest = events(text, ends=False)
    assert before == [created, *rest]
    assert (last["type"], last["code"]) == ("error", "model_stopped")
    assert reply.body.rpartition(b"event: ")[2].startswith(b"error\n")


URL = {"type": "input_image", "image_url": "http://127.0.0.1/x.png"}
FILE = {"type": "input_file", "file_url": "file:///etc/passwd"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": [URL]}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 3}, "input"),
        ({"previous_response_id": "resp_0"}, "previous_response_id"),
        ({"input": [{"role": "user", "content": [URL]}]}, "input[0].content[0].image_url"),
        ({"input": [{"role": "user", "content": [FILE]}]}, "input[0].content[0].file_url"),
        ({"input": [RESULT]}, "input[0].output[0].image_url"),
        ({"text": {"format": {"schema": {"minItems": 100_000}}}}, "text"),
        ({"stream": 1}, "stream"),
    ],
)
async def test_what_is_wrong_is_named(program: Program, change: dict[str, Any], param: str) -> None:
    reply = await post(program, **change)
    assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert program.engine.asked == []
