"""What goes wrong with chats and completions over Ollama's port, in Ollama's words."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from llama_runner.config.scheduling import SchedulingConfig
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.http_client import request_bytes
from tests.support.ollama_requests import CHAT, GENERATE, HELLO, objects, send
from tests.support.program import open_program
from tests.support.scripted_engine import FOREVER, Asked, EngineConnection
from tests.support.scripted_engine import ScriptedEngine, TokenScript


async def _breaks_off(asked: Asked, connection: EngineConnection) -> None:
    await connection.start_stream()
    delta = {"index": 0, "finish_reason": None, "delta": {"content": "t0"}}
    await connection.event({"choices": [delta]})
    await connection.event({"error": {"code": 500, "message": "no more room"}})
    await connection.end()


async def test_what_fails_within_a_stream_is_its_last_line(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(_breaks_off)) as program:
        reply = await send(program, "/api/chat", CHAT)
        assert reply.status == 200
        first, last = objects(reply)
        assert first["message"]["content"] == "t0"
        assert last == {"error": "no more room"}


async def test_what_fails_before_it_has_its_status(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=40.0, exits_after=20.0, exit_code=1))
    async with open_program(facade="ollama", spawn=spawn) as program:
        reply = await send(program, "/api/chat", CHAT)
        assert reply.status == 500
        assert reply.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/chat", b"", 400, "missing request body"),
        ("/api/chat", {"messages": HELLO}, 400, "model is required"),
        ("/api/generate", {"prompt": "x"}, 404, "model '' not found"),
        ("/api/chat", {**CHAT, "model": "z"}, 404, "model 'z' not found"),
        ("/api/generate", {"model": "z", "keep_alive": 0}, 404, "model 'z' not found"),
        ("/api/chat", {**CHAT, "model": "a b?"}, 400, "invalid model name"),
        (
            *("/api/chat", {**CHAT, "model": "z", "top_logprobs": 21}, 400),
            "top_logprobs must be between 0 and 20",
        ),
        ("/api/chat", {**CHAT, "think": True}, 400, '"a:latest" does not support thinking'),
        (
            *("/api/chat", {**CHAT, "format": {"minItems": 2, "maxItems": 1}}, 400),
            "'format': expected a minItems of at most maxItems, got 2 and 1",
        ),
        (
            *("/api/chat", {**CHAT, "tools": [{"type": "function"}]}, 400),
            "registry.ollama.ai/library/a:latest does not support tools",
        ),
        (
            *("/api/generate", {**GENERATE, "raw": True, "system": "x"}, 400),
            "raw mode does not support template, system, or context",
        ),
        (
            *("/api/generate", {**GENERATE, "options": {"top_k": "x"}}, 500),
            'option "top_k" must be of type integer',
        ),
    ],
)
async def test_what_is_wrong_is_told_in_ollama_s_words(
    autojump_clock: MockClock, path: str, body: Any, status: int, message: str
) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, path, body)
        assert (reply.status, reply.json) == (status, {"error": message})
        assert not program.spawn.children


async def test_who_has_waited_too_long_is_told_that_the_server_is_busy(
    autojump_clock: MockClock,
) -> None:
    config = AppConfig(scheduling=SchedulingConfig(queue_timeout=10.0))
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1.0))
    async with open_program(facade="ollama", config=config, engine=engine, slots=1) as program:
        await program.client().send(request_bytes("POST", "/api/chat", CHAT))
        await trio.sleep(1)
        began = trio.current_time()
        reply = await send(program, "/api/chat", CHAT)
        busy = "server busy, please try again.  maximum pending requests exceeded"
        assert (reply.status, reply.json) == (503, {"error": busy})
        assert trio.current_time() - began == pytest.approx(10, abs=0.1)
