"""What needs an account or Ollama's cloud is refused as where neither is to be had."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from trio.testing import MockClock

from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.program import Program, open_program


@pytest.fixture
async def program(autojump_clock: MockClock) -> AsyncIterator[Program]:
    async with open_program(facade="ollama") as program:
        yield program


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("POST", "/api/me", 503, "account unavailable"),
        ("POST", "/api/signout", 503, "account unavailable"),
        ("DELETE", "/api/user/keys/some-key", 503, "account unavailable"),
        ("POST", "/api/experimental/web_search", 403, "web search is unavailable"),
        ("POST", "/api/experimental/web_fetch", 403, "web fetch is unavailable"),
    ],
)
async def test_there_is_neither_account_nor_cloud(
    program: Program, method: str, path: str, status: int, error: str
) -> None:
    reply = await ask(program.client(), request_bytes(method, path), method)
    assert reply.status == status
    assert reply.json["error"].endswith(error)


@pytest.mark.parametrize(
    ("name", "told"), [("a", "cannot be pushed from here"), ("nobody", "model 'nobody' not found")]
)
async def test_a_push_begins_and_ends_with_an_error(program: Program, name: str, told: str) -> None:
    request = request_bytes("POST", "/api/push", {"name": name})
    reply = await ask(program.client(), request, "POST")
    first, last = map(json.loads, reply.body.splitlines())
    assert (reply.status, first) == (200, {"status": "retrieving manifest"})
    assert told in last["error"]
    request = request_bytes("POST", "/api/push", {"model": name, "stream": False})
    reply = await ask(program.client(), request, "POST")
    assert (reply.status, reply.json) == (500, last)


async def test_a_push_of_nothing_is_refused_at_once(program: Program) -> None:
    reply = await ask(program.client(), request_bytes("POST", "/api/push", {"model": ""}), "POST")
    assert (reply.status, reply.json) == (400, {"error": "model is required"})
