"""Chats and completions over Ollama's port, from a client's bytes to the engine and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from llama_runner.config.larger_context import CLAMP, GROW
from llama_runner.config.models import ModelDefaults
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.events.exchange import Outcome
from tests.support.http_client import request_bytes
from tests.support.ollama_requests import CHAT, GENERATE, HELLO, objects, send
from tests.support.program import open_program
from tests.support.scripted_engine import FOREVER, Asked, EngineConnection
from tests.support.scripted_engine import ScriptedEngine, TokenScript


async def test_a_chat_is_streamed_as_lines(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "/api/chat", CHAT)
        assert reply.status == 200
        assert reply.headers["content-type"] == "application/x-ndjson"
        *parts, last = objects(reply)
        assert [part["message"]["content"] for part in parts] == ["t0 ", "t1 ", "t2 "]
        assert {part["model"] for part in parts} == {"a:latest"}
        assert last["done"] and last["done_reason"] == "stop"
        assert (last["prompt_eval_count"], last["eval_count"]) == (8, 3)
        (asked,) = program.engine.asked
        assert asked.path == "/v1/chat/completions"
        assert asked.body["messages"] == HELLO
        assert asked.body["top_p"] == 0.9
        await trio.testing.wait_all_tasks_blocked()
        (exchange,) = program.exchanges
        assert (exchange.outcome, exchange.streamed) == (Outcome.COMPLETED, True)
        assert exchange.usage is not None and exchange.usage.completion_tokens == 3


async def test_one_that_wants_no_stream_gets_one_object(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "/api/generate", {**GENERATE, "stream": False})
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert reply.json["response"] == "t0 t1 t2 "
        assert reply.json["total_duration"] >= reply.json["load_duration"] > 0
        assert program.engine.asked[0].body["messages"] == HELLO


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/chat", {"model": "a"}, {"message": {"role": "assistant", "content": ""}}),
        ("/api/chat", {"model": "a", "messages": []}, {"message": {"role": "assistant"}}),
        ("/api/generate", {"model": "a"}, {"response": ""}),
    ],
)
async def test_nothing_to_say_loads_or_unloads(
    autojump_clock: MockClock, path: str, body: Any, said: dict[str, Any]
) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, path, body)
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert (reply.json["done"], reply.json["done_reason"]) == (True, "load")
        assert {**reply.json, **said} != {} and set(said) < set(reply.json)
        assert "total_duration" not in reply.json
        assert list(program.runners.residents) == ["a"]
        reply = await send(program, path, {**body, "keep_alive": 0})
        assert (reply.status, reply.json["done_reason"]) == (200, "unload")
        await trio.sleep(10)
        assert not program.runners.residents
        reply = await send(program, path, {**body, "keep_alive": "0s"})
        assert (reply.status, reply.json["done_reason"]) == (200, "unload")
        assert len(program.spawn.children) == 1
        assert not program.engine.asked


async def test_a_loaded_model_is_told_to_be_so_though_it_is_busy(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=20, every=1.0))
    async with open_program(facade="ollama", engine=engine, slots=1) as program:
        client = program.client()
        await client.request(path="/api/chat", body=CHAT)
        await trio.sleep(2)
        asked = trio.current_time()
        for path in ("/api/generate", "/api/embed"):
            reply = await send(program, path, {"model": "a", "keep_alive": 100})
            assert reply.status == 200
        assert trio.current_time() == asked
        assert objects(await client.reply())[-1]["done"]
        await trio.sleep(90)
        await send(program, "/api/generate", {"model": "a"})
        await trio.sleep(90)  # a load renews the stay, as every request does
        assert list(program.runners.residents) == ["a"]
        await trio.sleep(20)
        assert not program.runners.residents


async def test_an_unload_waits_for_what_runs(autojump_clock: MockClock) -> None:
    engine = ScriptedEngine(TokenScript(tokens=5, every=1.0))
    async with open_program(facade="ollama", engine=engine) as program:
        client = program.client()
        await client.request(path="/api/chat", body=CHAT)
        await trio.sleep(2)
        asked = trio.current_time()
        await send(program, "/api/chat", {"model": "a", "keep_alive": 0})
        assert trio.current_time() == asked
        reply = await client.reply()
        assert objects(reply)[-1]["done_reason"] == "stop"
        await trio.sleep(10)
        assert not program.runners.residents


async def test_keep_alive_of_zero_with_a_prompt_unloads_afterwards(
    autojump_clock: MockClock,
) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "/api/chat", {**CHAT, "keep_alive": 0})
        assert objects(reply)[-1]["done_reason"] == "stop"
        await trio.sleep(10)
        assert not program.runners.residents


async def test_a_client_that_leaves_ends_the_work(autojump_clock: MockClock) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=0.1))
    async with open_program(facade="ollama", engine=engine) as program:
        for stream in (True, False):
            client = program.client()
            await client.send(request_bytes("POST", "/api/chat", {**CHAT, "stream": stream}))
            await trio.sleep(1)
            client.close()
            await trio.sleep(1)
        assert all(asked.closed_at is not None for asked in program.engine.asked)
        assert len(program.engine.asked) == 2


async def _refuses_what_is_long(asked: Asked, connection: EngineConnection) -> None:
    size = len(json.dumps(asked.body.get("messages") or asked.body.get("prompt")))
    if size <= 1000:
        await TokenScript()(asked, connection)
        return
    error = {"code": 400, "message": "too long", "type": "exceed_context_size_error"}
    await connection.whole(400, {"error": {**error, "n_prompt_tokens": size, "n_ctx": 1000}})


async def test_the_oldest_messages_give_way(autojump_clock: MockClock) -> None:
    long = [{"role": "system", "content": "S"}]
    long += [{"role": "user", "content": f"{number}" * 300} for number in range(9)]
    async with open_program(
        facade="ollama", engine=ScriptedEngine(_refuses_what_is_long)
    ) as program:
        reply = await send(program, "/api/chat", {"model": "a", "messages": long})
        assert objects(reply)[-1]["done_reason"] == "stop"
        assert program.engine.asked[-1].body["messages"] == [long[0], *long[-2:]]
        assert len(program.engine.asked) <= 3
        reply = await send(
            program, "/api/chat", {"model": "a", "messages": long, "truncate": False}
        )
        assert (reply.status, reply.json) == (400, {"error": "too long"})
        alone = [{"role": "user", "content": "x" * 2000}]
        reply = await send(program, "/api/chat", {"model": "a", "messages": alone})
        assert (reply.status, reply.json) == (400, {"error": "too long"})


async def test_a_blank_keeps_one_connected_that_waits_very_long(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(batches=1, batch_takes=100.0))
    async with open_program(facade="ollama", engine=engine) as program:
        client = program.client()
        await client.request(path="/api/chat", body=CHAT)
        began = trio.current_time()
        head = await client.head()
        assert head.status_code == 200
        assert 60 <= trio.current_time() - began < 65
        body = b"".join([piece async for piece in client.pieces()])
    first = body.splitlines()[0]
    assert first.startswith(b"  ") and json.loads(first)["message"]["content"] == "t0 "


@pytest.mark.parametrize("stream", [True, False])
async def test_a_chat_is_told_of_a_smaller_context_or_gets_a_larger_one(
    autojump_clock: MockClock, *, stream: bool
) -> None:
    wanting = {**CHAT, "stream": stream, "options": {"num_ctx": 8192}}
    half = ModelDefaults(parameters={"ctx-size": 8192, "parallel": 2})
    for policy, told, loads in ((CLAMP, "4096", 1), (GROW, None, 2)):
        config = AppConfig(scheduling=SchedulingConfig(larger_context=policy))
        async with open_program(facade="ollama", config=config, defaults=half) as program:
            for body in (CHAT, wanting, CHAT, wanting):
                reply = await send(program, "/api/chat", body)
                assert objects(reply)[-1]["done_reason"] == "stop"
            assert reply.headers.get("x-context-length") == told
            assert len(program.spawn.children) == loads


async def test_nulls_and_no_tools_are_nothing(autojump_clock: MockClock) -> None:
    nulls: dict[str, Any] = {
        "format": None,
        "keep_alive": None,
        "think": None,
        "options": None,
        "tools": [],
    }
    async with open_program(facade="ollama") as program:
        reply = await send(program, "/api/chat", {**CHAT, **nulls})
        assert objects(reply)[-1]["done_reason"] == "stop"
        assert "tools" not in program.engine.asked[0].body


async def test_a_large_image_reaches_the_engine_as_it_is(autojump_clock: MockClock) -> None:
    image = "iVBORw0KGgo" + "A" * 2_000_000 + "="
    message = {"role": "user", "content": "What?", "images": [image]}
    async with open_program(facade="ollama") as program:
        reply = await send(program, "/api/chat", {"model": "a", "messages": [message]})
        assert objects(reply)[-1]["done_reason"] == "stop"
        (told,) = program.engine.asked[0].body["messages"]
        assert told["content"][0]["image_url"]["url"] == f"data:image/png;base64,{image}"
