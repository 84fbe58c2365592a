"""Ranking, from a client's bytes to the engine and back."""

from __future__ import annotations

from typing import Any

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.program import open_program
from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine

ASKED = {"model": "a", "query": "What purrs?", "documents": ["a dog", "a cat"]}
RANKS = [{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": -0.5}]


async def _ranks(asked: Asked, connection: EngineConnection) -> None:
    await connection.whole(200, {"model": "a", "results": RANKS, "usage": {"prompt_tokens": 9}})


async def _ranks_barely(asked: Asked, connection: EngineConnection) -> None:
    await connection.whole(200, [{"index": 0, "score": 0.5}])


async def _refuses(asked: Asked, connection: EngineConnection) -> None:
    message = "input (205 tokens) is too large to process. increase the physical batch size"
    await connection.whole(500, {"error": {"code": 500, "message": message}})


@pytest.mark.parametrize("facade", ["lmstudio", "ollama"])
@pytest.mark.parametrize("path", ["/v1/rerank", "/v1/reranking", "/rerank", "/reranking"])
async def test_each_of_the_engine_s_paths_ranks(
    autojump_clock: MockClock, facade: str, path: str
) -> None:
    async with open_program(facade=facade, engine=ScriptedEngine(_ranks)) as program:
        reply = await ask(program.client(), request_bytes("POST", path, ASKED))
        assert reply.status == 200
        assert reply.json["results"] == RANKS
        (asked,) = program.engine.asked
        assert (asked.path, asked.body) == ("/v1/rerank", ASKED)
        await wait_all_tasks_blocked()
        (exchange,) = program.exchanges
        assert exchange.usage is not None
        assert exchange.usage.prompt_tokens == 9
        wrong = await ask(program.client(), request_bytes("POST", path, {"model": "a"}))
        assert wrong.json["error"]["param"] == "query"


async def test_the_words_of_hugging_face_s_server_pass(autojump_clock: MockClock) -> None:
    asked = {"model": "a", "query": "x", "texts": ["y"], "return_text": False}
    async with open_program(engine=ScriptedEngine(_ranks_barely)) as program:
        reply = await ask(program.client(), request_bytes("POST", "/rerank", asked))
        assert reply.json == [{"index": 0, "score": 0.5}]
        assert program.engine.asked[0].body == asked


@pytest.mark.parametrize(
    ("changed", "param", "code"),
    [
        ({"query": None}, "query", "missing_required_parameter"),
        ({"documents": None}, "documents", "missing_required_parameter"),
        ({"documents": "a cat"}, "documents", "invalid_type"),
        ({"texts": "a cat"}, "texts", "invalid_type"),
        ({"top_n": -1}, "top_n", "invalid_type"),
        ({"top_n": 0}, "top_n", "invalid_type"),
        ({"top_n": "2"}, "top_n", "invalid_type"),
        ({"stream": True}, "stream", None),
    ],
)
async def test_what_is_wrong_is_named(
    autojump_clock: MockClock, changed: dict[str, Any], param: str, code: str | None
) -> None:
    async with open_program() as program:
        body = request_bytes("POST", "/v1/rerank", {**ASKED, **changed})
        reply = await ask(program.client(), body)
        assert program.engine.asked == []
    assert reply.status == 400
    assert (reply.json["error"]["param"], reply.json["error"]["code"]) == (param, code)


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/v1/rerank", ASKED), ("/v1/embeddings", {"model": "a", "input": "x"})],
)
async def test_what_fits_no_batch_is_too_long(
    autojump_clock: MockClock, path: str, fields: dict[str, Any]
) -> None:
    async with open_program(engine=ScriptedEngine(_refuses)) as program:
        reply = await ask(program.client(), request_bytes("POST", path, fields))
    assert reply.status == 400
    assert reply.json["error"]["code"] == "context_length_exceeded"
