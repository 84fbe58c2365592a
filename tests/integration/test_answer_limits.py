"""An engine that says more than anybody can hold: what is held of it, and what is told."""

from __future__ import annotations

import pytest
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.app import AppConfig, RelayConfig
from tests.support.endless import HEAD, MIB, TOKEN, Endless, in_sockets
from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.program import CHAT, STREAM, open_program
from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine

SMALL = AppConfig(relay=RelayConfig(max_answer_bytes=MIB))
EMBEDDING = {"model": "a", "input": "Hi"}
UNSTREAMED = {**CHAT, "logprobs": True, "tools": [{"type": "function"}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/chat/completions", UNSTREAMED),
        ("/v1/completions", {"model": "a", "prompt": "Hi"}),
        ("/v1/embeddings", EMBEDDING),
    ],
)
async def test_a_whole_answer_is_held_up_to_a_limit(
    autojump_clock: MockClock, path: str, body: object
) -> None:
    script = Endless(TOKEN)
    async with open_program(engine=ScriptedEngine(script), config=SMALL) as program:
        client = program.client()
        for _ in range(2):
            reply = await ask(client, request_bytes(path=path, body=body))
            assert reply.status == 500
            assert reply.json["error"]["code"] == "answer_too_large"
            assert reply.headers["x-should-retry"] == "false"
        await wait_all_tasks_blocked()
        assert all(asked.closed_at is not None for asked in program.engine.asked)
        assert MIB < script.sent < 2 * (MIB + in_sockets())


async def test_an_answer_up_to_the_limit_is_given(autojump_clock: MockClock) -> None:
    tokens = 2000
    config = evolve(SMALL, relay=RelayConfig(max_answer_bytes=len(TOKEN) * (tokens + 5)))

    async def script(asked: Asked, connection: EngineConnection) -> None:
        await connection.send(HEAD % b"200 OK")
        for _ in range(tokens):
            await connection.chunk(TOKEN)
        await connection.chunk(b'data: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\n')
        await connection.chunk(b"data: [DONE]\n\n")
        await connection.end()

    async with open_program(engine=ScriptedEngine(script), config=config) as program:
        reply = await ask(program.client(), request_bytes(body=CHAT))
        assert reply.json["choices"][0]["message"]["content"] == "xy" * tokens


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        (Endless(b"x", head=b"HTTP/1.1 200 OK\r\n"), 502, "model_stopped"),
        (Endless(b"x", head=HEAD % b"500 Bad" + b"x"), 502, "model_stopped"),
        (Endless(b"x", head=HEAD % b"500 Bad"), 500, "answer_too_large"),
    ],
    ids=["head", "chunk", "refusal"],
)
async def test_what_an_engine_says_instead_of_an_answer_is_held_up_to_a_limit(
    autojump_clock: MockClock, script: Endless, status: int, code: str, body: object
) -> None:
    script.sent = 0
    async with open_program(engine=ScriptedEngine(script)) as program:
        reply = await ask(program.client(), request_bytes(body=body))
        assert (reply.status, reply.json["error"]["code"]) == (status, code)
        await wait_all_tasks_blocked()
        assert program.engine.asked[0].closed_at is not None
        assert script.sent < MIB + in_sockets()


async def test_an_event_without_end_is_held_up_to_a_limit(autojump_clock: MockClock) -> None:
    script = Endless(b"x", head=HEAD % b"200 OK" + b"7\r\ndata: x\r\n")
    config = evolve(SMALL, relay=RelayConfig(max_answer_bytes=100 * MIB))
    async with open_program(engine=ScriptedEngine(script), config=config) as program:
        reply = await ask(program.client(), request_bytes(body=CHAT))
        assert (reply.status, reply.json["error"]["code"]) == (502, "model_stopped")
        assert script.sent < 17 * MIB
