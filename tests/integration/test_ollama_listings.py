"""What Ollama's port tells of models, byte by byte as its clients ask for it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from llama_runner.facades.ollama.app import API_VERSION
from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.program import CHAT, Program, open_program

JSON = "application/json; charset=utf-8"


async def send(program: Program, method: str, path: str, body: Any = b"", **headers: str) -> Reply:
    return await ask(program.client(), request_bytes(method, path, body, headers), method)


@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
async def test_a_head_is_answered_like_its_get(autojump_clock: MockClock, path: str) -> None:
    async with open_program(facade="ollama") as program:
        got, headed = await send(program, "GET", path), await send(program, "HEAD", path)
        assert (headed.status, headed.body) == (got.status, b"") == (200, b"")
        for name in ("content-type", "content-length"):
            assert headed.headers[name] == got.headers[name]


async def test_the_root_says_who_listens(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "GET", "/")
        assert reply.body == b"Ollama is running"
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert "server" not in reply.headers


async def test_the_version_is_one_that_copilot_takes(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "GET", "/api/version")
        assert reply.json == {"version": API_VERSION}
        assert reply.headers["content-type"] == JSON
        assert [int(part) for part in API_VERSION.split(".")] >= [0, 6, 4]


async def test_copilot_finds_its_models(autojump_clock: MockClock) -> None:
    agent = {"user-agent": "GitHubCopilotChat/0.30.0"}
    async with open_program(facade="ollama") as program:
        listed = (await send(program, "GET", "/api/tags", **agent)).json["models"]
        assert [model["name"] for model in listed] == ["a:latest", "b:latest"]
        for model in listed:
            shown = (
                await send(program, "POST", "/api/show", {"model": model["name"]}, **agent)
            ).json
            info = shown["model_info"]
            assert info[f"{info['general.architecture']}.context_length"] == 8192
            assert info["general.basename"] == model["name"]
            assert isinstance(shown["capabilities"], list)
        assert not program.spawn.children


@pytest.mark.parametrize(
    "body",
    [{"model": "a"}, {"name": "A:latest"}, {"MODEL": "a"}, b'{"model":"a"}trailing'],
)
async def test_a_model_is_shown_however_it_is_asked_for(
    autojump_clock: MockClock, body: Any
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    async with open_program(facade="ollama") as program:
        reply = await send(program, "POST", "/api/show", body, **form)
        assert reply.status == 200 and reply.json["details"]["format"] == "gguf"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "missing request body"),
        (b"{", 400, "unexpected EOF"),
        (b"{}", 400, "model is required"),
        ({"model": ""}, 400, "model is required"),
        ({"model": None}, 400, "model is required"),
        ({"model": "what is it"}, 400, "invalid model name"),
        ({"model": "nobody"}, 404, "model 'nobody:latest' not found"),
        ({"model": "nobody:8b"}, 404, "model 'nobody:8b' not found"),
        (
            {"model": ["a"]},
            400,
            "json: cannot unmarshal array into Go struct field ShowRequest.model of type string",
        ),
    ],
)
async def test_what_cannot_be_shown_is_said_in_ollama_s_words(
    autojump_clock: MockClock, body: Any, status: int, message: str
) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "POST", "/api/show", body)
        assert (reply.status, reply.json) == (status, {"error": message})
        assert reply.headers["content-type"] == JSON


async def test_what_is_loaded_is_told_and_asking_extends_nothing(
    autojump_clock: MockClock,
) -> None:
    async with open_program(facade="ollama") as program:
        assert (await send(program, "GET", "/api/ps")).json == {"models": []}
        await send(program, "POST", "/v1/chat/completions", {**CHAT, "ttl": 60})
        (loaded,) = (await send(program, "GET", "/api/ps")).json["models"]
        assert (loaded["name"], loaded["size"], loaded["size_vram"]) == ("a:latest", 1, 0)
        for _ in range(7):
            await trio.sleep(10)
            await send(program, "GET", "/api/ps")
            await send(program, "GET", "/api/tags")
            await send(program, "POST", "/api/show", {"model": "a"})
        assert (await send(program, "GET", "/api/ps")).json == {"models": []}
        assert not program.spawn.alive


@pytest.mark.parametrize("path", ["/api/nothing", "/nothing", "/api", "/v1/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path_is_gin_s_404(
    autojump_clock: MockClock, path: str, method: str
) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, method, path)
        assert (reply.status, reply.body) == (404, b"404 page not found")
        assert reply.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/api/tags", "GET"), ("GET", "/api/show", "POST"), ("DELETE", "/api/ps", "GET")],
)
async def test_a_wrong_method_is_gin_s_405(
    autojump_clock: MockClock, method: str, path: str, allowed: str
) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, method, path)
        assert (reply.status, reply.body) == (405, b"405 method not allowed")
        assert allowed in reply.headers["allow"].split(", ")


async def test_openai_s_routes_keep_openai_s_words(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "GET", "/v1/models/nobody")
        assert (reply.status, reply.json["error"]["code"]) == (404, "model_not_found")


async def test_there_is_no_cloud(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama") as program:
        reply = await send(program, "GET", "/api/status")
        assert reply.json["cloud"]["disabled"] is True
        reply = await send(program, "GET", "/api/experimental/model-recommendations")
        assert reply.json == {"recommendations": []}
