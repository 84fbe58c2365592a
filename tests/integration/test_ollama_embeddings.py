"""Embeddings over Ollama's port, from a client's bytes to the engine and back."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.app import AppConfig, RelayConfig
from llama_runner.config.larger_context import CLAMP, GROW, REFUSE
from llama_runner.config.models import ModelDefaults
from llama_runner.config.scheduling import SchedulingConfig
from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.ollama_requests import send
from tests.support.program import Program, open_program
from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine


async def _embeds(asked: Asked, connection: EngineConnection) -> None:
    data = [
        {"index": index, "embedding": [float(index), 1.0]}
        for index, _ in enumerate(asked.body["input"])
    ]
    await connection.whole(200, {"data": data, "usage": {"prompt_tokens": 3 * len(data)}})


async def _refuses(asked: Asked, connection: EngineConnection) -> None:
    error = {"code": 400, "message": "too long", "type": "exceed_context_size_error"}
    await connection.whole(400, {"error": error})


async def _embeds_8_words(asked: Asked, connection: EngineConnection) -> None:
    """Take a word for a token, and refuse a text of more than 8."""
    longest = max(len(text.split()) for text in asked.body["input"])
    if longest <= 8:
        await _embeds(asked, connection)
        return
    about = {"n_prompt_tokens": longest, "n_ctx": 8}
    error = {"code": 400, "message": "too long", "type": "exceed_context_size_error", **about}
    await connection.whole(400, {"error": error})


async def _refuses_batches(asked: Asked, connection: EngineConnection) -> None:
    """Refuse a text of more than 8 letters as the engine does what exceeds a batch."""
    longest = max(map(len, asked.body["input"]))
    if longest <= 8:
        await _embeds(asked, connection)
        return
    message = f"input ({longest} tokens) is too large to process. increase the physical batch "
    error = {"code": 500, "message": f"{message}size (current batch size: 8)"}
    await connection.whole(500, {"error": {**error, "type": "server_error"}})


async def _never(asked: Asked, connection: EngineConnection) -> None:
    await trio.sleep_forever()


async def test_texts_become_vectors(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(_embeds)) as program:
        reply = await send(program, "/api/embed", {"model": "a:latest", "input": ["x", "y"]})
        assert reply.status == 200
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert reply.json["embeddings"] == [[0.0, 1.0], [1.0, 1.0]]
        assert (reply.json["model"], reply.json["prompt_eval_count"]) == ("a:latest", 6)
        assert reply.json["total_duration"] >= reply.json["load_duration"] > 0
        reply = await send(program, "/api/embeddings", {"model": "a", "prompt": "x"})
        assert reply.json == {"embedding": [0.0, 1.0]}
        assert [asked.path for asked in program.engine.asked] == ["/v1/embeddings"] * 2


@pytest.mark.parametrize("path", ["/api/embed", "/api/embeddings"])
async def test_nothing_to_embed_loads_the_model_for_as_long_as_is_said(
    autojump_clock: MockClock, path: str
) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(_never)) as program:
        reply = await send(program, path, {"model": "a", "keep_alive": "30s"})
        assert reply.status == 200
        assert list(program.runners.residents) == ["a"]
        assert not program.engine.asked
        await trio.sleep(20)
        assert list(program.runners.residents) == ["a"]
        await trio.sleep(20)
        assert not program.runners.residents


@pytest.mark.parametrize("stay", [-1, "-1m"])
async def test_a_model_may_stay_for_ever(autojump_clock: MockClock, stay: Any) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(_embeds)) as program:
        for each in (30, stay):
            await send(program, "/api/embed", {"model": "a", "input": "x", "keep_alive": each})
        await trio.sleep(3600)
        assert list(program.runners.residents) == ["a"]
        reply = await ask(program.client(), request_bytes("GET", "/api/ps"), "GET")
        assert reply.json["models"][0]["expires_at"] > "2300"


@pytest.mark.parametrize("engine", [_embeds_8_words, _refuses_batches])
async def test_a_text_that_is_too_long_is_cut_unless_that_is_not_wanted(
    autojump_clock: MockClock, engine: Any
) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(engine)) as program:
        body = {"model": "a", "input": ["short", "word " * 400, "w " * 500]}
        reply = await send(program, "/api/embed", body)
        assert reply.status == 200
        assert len(reply.json["embeddings"]) == 3
        first, *cut = program.engine.asked[-1].body["input"]
        assert first == "short"
        assert all(text and long.startswith(text) for text, long in zip(cut, body["input"][1:]))
        asked = len(program.engine.asked)
        reply = await send(program, "/api/embed", {**body, "truncate": False})
        told = {"error": "the input length exceeds the context length"}
        assert (reply.status, reply.json) == (400, told)
        assert len(program.engine.asked) == asked + 1


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/api/embed", b"", 400, "missing request body"),
        ("/api/embed", {"model": "a", "input": 7}, 400, "invalid input type"),
        ("/api/embed", {"input": "x"}, 404, "model '' not found"),
        (
            *("/api/embed", {"model": "z", "input": "x"}, 404),
            'model "z" not found, try pulling it first',
        ),
        ("/api/embed", {"model": "a", "keep_alive": True}, 400, "Unsupported type: 'bool'"),
        (
            *("/api/embed", {"model": "a", "input": "x"}, 400),
            "the input length exceeds the context length",
        ),
        ("/api/embeddings", {"prompt": "x"}, 400, "model is required"),
        ("/api/embeddings", {"model": "a", "prompt": "x"}, 500, "too long"),
    ],
)
async def test_what_fails_is_told_in_ollama_s_words(
    autojump_clock: MockClock, path: str, body: Any, status: int, message: str
) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(_refuses)) as program:
        reply = await send(program, path, body)
        assert (reply.status, reply.json) == (status, {"error": message})


def wishful(policy: str) -> dict[str, Any]:
    """Return what a program is opened with whose models have half of what they could."""
    return {
        "facade": "ollama",
        "engine": ScriptedEngine(_embeds),
        "config": AppConfig(scheduling=SchedulingConfig(larger_context=policy)),
        "defaults": ModelDefaults(parameters={"ctx-size": 8192, "parallel": 2}),
    }


async def contexts_of(program: Program) -> tuple[int, int]:
    """Return what is told of the context by what is loaded, and by what is shown."""
    reply = await ask(program.client(), request_bytes("GET", "/api/ps"), "GET")
    shown = await send(program, "/api/show", {"model": "a"})
    (loaded,) = reply.json["models"]
    return loaded["context_length"], shown.json["model_info"]["llama.context_length"]


@pytest.mark.parametrize(
    ("path", "text"), [("/api/embed", {"input": "x"}), ("/api/embeddings", {"prompt": "x"})]
)
@pytest.mark.parametrize("work", [True, False], ids=["embeds", "only loads"])
async def test_a_context_that_is_not_there_is_told(
    autojump_clock: MockClock, path: str, text: dict[str, str], *, work: bool
) -> None:
    body = {"model": "a", **(text if work else {})}
    async with open_program(**wishful(CLAMP)) as program:
        for wanted, told in ((8192, "4096"), (4096, None), (0, None), (-1, None), (4097.5, "4096")):
            reply = await send(program, path, {**body, "options": {"num_ctx": wanted}})
            assert (reply.status, reply.headers.get("x-context-length")) == (200, told)
        assert "x-context-length" not in (await send(program, path, body)).headers
        assert await contexts_of(program) == (4096, 4096)
        assert len(program.spawn.children) == 1


async def test_a_model_is_loaded_again_for_a_larger_context_once(
    autojump_clock: MockClock,
) -> None:
    body = {"model": "a", "input": "x"}
    async with open_program(**wishful(GROW)) as program:
        await send(program, "/api/embed", body)
        assert await contexts_of(program) == (4096, 4096)
        for wanted in (8192, 4096, 100_000, 8192):
            reply = await send(program, "/api/embed", {**body, "options": {"num_ctx": wanted}})
            # It was trained for no more.
            told = "8192" if wanted > 8192 else None
            assert (reply.status, reply.headers.get("x-context-length")) == (200, told)
        assert await contexts_of(program) == (8192, 8192)
        assert len(program.spawn.children) == 2


@pytest.mark.parametrize(
    ("wanted", "status", "message"),
    [
        (8192, 400, "num_ctx: a has a context of 4096 tokens, 8192 were asked for"),
        ("8192", 500, 'option "num_ctx" must be of type integer'),
        (True, 500, 'option "num_ctx" must be of type integer'),
    ],
)
@pytest.mark.parametrize("path", ["/api/embed", "/api/embeddings"])
async def test_a_context_that_cannot_be_had_is_refused(
    autojump_clock: MockClock, path: str, wanted: Any, status: int, message: str
) -> None:
    async with open_program(**wishful(REFUSE)) as program:
        body = {"model": "a", "input": "x", "prompt": "x", "options": {"num_ctx": wanted}}
        reply = await send(program, path, body)
        assert (reply.status, reply.json) == (status, {"error": message})
        assert not program.spawn.children


async def test_a_client_that_leaves_ends_the_work(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama", engine=ScriptedEngine(_never)) as program:
        client = program.client()
        await client.send(request_bytes("POST", "/api/embed", {"model": "a", "input": "x"}))
        await trio.sleep(1)
        client.close()
        await trio.sleep(1)
        (asked,) = program.engine.asked
        assert asked.closed_at is not None


async def test_more_than_can_be_read_at_once_is_refused(autojump_clock: MockClock) -> None:
    config = AppConfig(relay=RelayConfig(max_json_bytes=100_000))
    async with open_program(facade="ollama", config=config) as program:
        reply = await send(program, "/api/embed", {"model": "a", "input": ["x"] * 50_000})
        assert reply.status == 413
        assert "100000 bytes" in reply.json["error"]
        assert not program.spawn.children
