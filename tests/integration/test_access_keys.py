"""Pages that may call us, and clients that need a key for it."""

from __future__ import annotations

import hmac

import pytest
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from tests.support.access_cases import (
    KEYED,
    PAGE,
    SECURED,
    STATUS_PATHS,
    a_request,
    code_of,
    kinds,
    listeners,
    status_of,
)
from tests.support.front_door import ask, note_applied, replies_to
from tests.support.http_client import request_bytes
from tests.support.program import CHAT, STREAM, Program, open_program


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every path that reaches an application."""
    return note_applied(monkeypatch)


@pytest.mark.parametrize("listener", ["lmstudio", "ollama"])
async def test_an_allowed_page_may_read_every_answer(
    autojump_clock: MockClock, listener: str
) -> None:
    origin = {"origin": PAGE}
    requests = {
        "streamed": request_bytes(body=STREAM, headers=origin),
        "whole": request_bytes(body=CHAT, headers=origin),
        "refused": request_bytes(body={**CHAT, "model": "unknown"}, headers=origin),
        "quart": request_bytes("GET", "/v1/models", headers=origin),
        "unknown": request_bytes("GET", "/nothing", headers=origin),
        "broken": request_bytes(headers={**origin, "content-length": "1", "expect": "x"}) + b"{",
        "too large": request_bytes(headers={**origin, "content-length": "99999999999"}),
    }
    async with open_program(config=SECURED, facade=listener) as program:
        for name, request in requests.items():
            reply = await ask(program.client(), request, request.split()[0].decode())
            assert reply.headers.get("access-control-allow-origin") == PAGE, name
            assert "origin" in reply.headers["vary"].lower(), name


@listeners
async def test_answers_to_ourselves_carry_no_cross_origin_headers(
    autojump_clock: MockClock, listener: str
) -> None:
    headers = {"origin": "http://localhost:1234"}
    request = request_bytes("GET", STATUS_PATHS[listener], headers=headers)
    async with open_program(config=SECURED, facade=listener) as program:
        reply = await ask(program.client(), request, "GET")
        assert reply.status == 200
        assert not [name for name in reply.headers if name.startswith("access-control")]


@listeners
@pytest.mark.parametrize("config", [SECURED, KEYED], ids=["open", "with keys"])
async def test_a_preflight_is_granted_without_a_key(
    autojump_clock: MockClock, applied: list[str], listener: str, config: AppConfig
) -> None:
    headers = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    async with open_program(config=config, facade=listener) as program:
        client = program.client()
        for path in ("/v1/chat/completions", "/v1/models", "/nothing"):
            reply = await ask(client, request_bytes("OPTIONS", path, headers=headers), "OPTIONS")
            assert (reply.status, reply.body) == (204, b"")
            assert "content-length" not in reply.headers
            assert reply.headers["access-control-allow-origin"] == PAGE
            assert "POST" in reply.headers["access-control-allow-methods"]
            assert reply.headers["access-control-allow-headers"] == "authorization,content-type"
        assert applied == []


async def test_a_preflight_with_a_body_is_the_last_of_its_connection(
    autojump_clock: MockClock,
) -> None:
    headers = {"origin": PAGE, "access-control-request-method": "POST"}
    inner = request_bytes("GET", "/v1/models", headers={"host": "localhost"})
    request = request_bytes("OPTIONS", "/v1/models", inner, headers)
    async with open_program(config=SECURED) as program:
        replies = await replies_to(program, request, "OPTIONS", "GET")
        assert [reply.status for reply in replies] == [204]


KEYS = [
    ({}, 401),
    ({"authorization": "Bearer wrong"}, 401),
    ({"authorization": "Bearer first-ke"}, 401),
    ({"authorization": "Bearer first-key2"}, 401),
    ({"authorization": "Bearer"}, 401),
    ({"authorization": "Basic first-key"}, 401),
    ({"authorization": "Bearer f\u00efrst"}, 401),
    ({"x-api-key": ""}, 401),
    ({"x-api-key": "wrong"}, 401),
    ({"authorization": "Bearer first-key"}, None),
    ({"authorization": "bearer  second-key"}, None),
    ({"x-api-key": "second-key"}, None),
]


@listeners
@kinds
async def test_with_keys_configured_one_must_be_sent_everywhere(
    autojump_clock: MockClock, applied: list[str], listener: str, kind: str
) -> None:
    async with open_program(config=KEYED, facade=listener) as program:
        for headers, expected in KEYS:
            applied.clear()
            method, request = a_request(listener, kind, headers)
            if expected is None:
                assert await status_of(program.client(), method, request) not in (401, 500)
                continue
            (reply,) = await replies_to(program, request, method)
            assert reply.status == expected, headers
            assert code_of(listener, reply.json) == "invalid_api_key"
            assert reply.headers["www-authenticate"] == "Bearer"
            assert applied == []


async def test_a_page_may_read_that_its_key_is_wrong(autojump_clock: MockClock) -> None:
    async with open_program(config=KEYED) as program:
        (reply,) = await replies_to(program, request_bytes(body=CHAT, headers={"origin": PAGE}))
        assert reply.status == 401
        assert reply.headers["access-control-allow-origin"] == PAGE


async def test_keys_are_compared_in_constant_time_and_all_of_them(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noting(given: bytes, key: bytes) -> bool:
        compared.append(key)
        return compare(given, key)

    monkeypatch.setattr("llama_runner.http.access.hmac.compare_digest", noting)
    headers = {"authorization": "Bearer first-key"}
    request = request_bytes("GET", "/v1/models", headers=headers)
    async with open_program(config=KEYED) as program:
        assert (await ask(program.client(), request, "GET")).status == 200
    assert {b"first-key", b"second-key"} <= set(compared)


async def test_the_command_line_may_stop_the_program_with_its_own_key(
    autojump_clock: MockClock,
) -> None:
    for config in (AppConfig(), KEYED):
        async with open_program(config=config, facade="dashboard") as program:
            reply = await stop(program, "first-key")
            assert reply in (401, 403)
            assert not program.stop.requested.is_set()
            assert await stop(program, "control") == 202
            assert program.stop.requested.is_set()


async def stop(program: Program, key: str) -> int:
    """Ask the program to stop and return the answer's status."""
    headers = {"authorization": f"Bearer {key}"}
    request = request_bytes("POST", "/api/stop", headers=headers)
    return (await ask(program.client(), request)).status
