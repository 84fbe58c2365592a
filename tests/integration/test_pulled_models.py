"""What becomes of a model once it is fetched: it is served with all that came along."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from llama_runner.config.store import StoreConfig
from tests.support.front_door import ask
from tests.support.gguf_writer import encode_gguf, model_metadata
from tests.support.http_client import Reply, request_bytes
from tests.support.model_server import open_model_server
from tests.support.program import Program, open_program
from tests.support.registries import add_registry_model, digest

MODEL = encode_gguf(model_metadata())
TEMPLATE = b"{{ if .System }}<s>{{ .System }}{{ end }}<u>{{ .Prompt }}<a>"


@pytest.fixture
def clock(autojump_clock: MockClock) -> MockClock:
    """The virtual clock, which leaves threads the time that they need."""
    autojump_clock.autojump_threshold = 0.05
    return autojump_clock


async def post(program: Program, path: str, **body: Any) -> Reply:
    reply = await ask(program.client(), request_bytes("POST", path, body), "POST")
    assert reply.status == 200, reply.body
    return reply


def steps(reply: Reply) -> list[str]:
    return [orjson.loads(line).get("status", line.decode()) for line in reply.body.splitlines()]


async def test_a_pulled_model_has_its_texts_and_is_not_fetched_twice(
    clock: MockClock, tmp_path: Path
) -> None:
    async with open_model_server() as server:
        parameters = json.dumps({"temperature": 0.25}).encode()
        add_registry_model(
            *(server, "library/tiny", "135m"),
            model=MODEL,
            template=TEMPLATE,
            system=b"Be brief.",
            params=parameters,
        )
        add_registry_model(server, "library/twin", "latest", model=MODEL, system=b"Be long.")
        settings = AppConfig(store=StoreConfig(registry=server.base))
        program = open_program(facade="ollama", config=settings, folder=tmp_path)
        async with program as at:
            assert steps(await post(at, "/api/pull", model="tiny:135m"))[-1] == "success"
            shown = (await post(at, "/api/show", model="tiny:135m")).json
            assert shown["system"] == "Be brief."
            assert '{{- "<u>" -}}' in shown["template"]
            said = [{"role": "user", "content": "Hi"}]
            await post(at, "/api/chat", model="tiny:135m", messages=said, stream=False)
            sent = at.engine.asked[-1].body
            assert sent["temperature"] == 0.25
            assert sent["messages"] == [{"role": "system", "content": "Be brief."}, *said]

            path = f"/v2/library/tiny/blobs/{digest(MODEL)}"
            fetched = len(server.ranges(path))
            assert fetched > 0
            assert steps(await post(at, "/api/pull", model="tiny:135m"))[-1] == "success"
            assert steps(await post(at, "/api/pull", model="twin"))[-1] == "success"
            assert len(server.ranges(path)) == fetched
            assert server.ranges(f"/v2/library/twin/blobs/{digest(MODEL)}") == []
            assert (await post(at, "/api/show", model="twin")).json["system"] == "Be long."


async def test_a_model_is_made_of_one_that_is_pulled_for_it(
    clock: MockClock, tmp_path: Path
) -> None:
    async with open_model_server() as server:
        add_registry_model(server, "library/tiny", "latest", model=MODEL)
        settings = AppConfig(store=StoreConfig(registry=server.base))
        program = open_program(facade="ollama", config=settings, folder=tmp_path)
        async with program as at:
            made = await post(at, "/api/create", model="made", system="S", **{"from": "tiny"})
            told = steps(made)
            assert told[0] == "pulling manifest" and told[-2:] == ["writing manifest", "success"]
            assert told.count("success") == 1
            assert (await post(at, "/api/show", model="made")).json["system"] == "S"
            assert (await post(at, "/api/show", model="tiny")).json.get("system") is None
            unknown = steps(await post(at, "/api/create", model="x", **{"from": "nowhere"}))
            assert unknown[0] == "pulling manifest"
            failure = {"error": "pull model manifest: file does not exist"}
            assert orjson.loads(unknown[-1]) == failure
