"""Which programs built of web pages Ollama's port lets in without being told."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.support.access_cases import KEYED
from tests.support.front_door import ask, replies_to
from tests.support.http_client import request_bytes
from tests.support.program import open_program

APPS = [
    *("app://obsidian.md", "file://", "tauri://localhost", "vscode-file://vscode-app"),
    "vscode-webview://0l8a2k",
]
PREFLIGHT = {"access-control-request-method": "POST"}


@pytest.mark.parametrize("origin", APPS)
async def test_apps_are_let_in(autojump_clock: MockClock, origin: str) -> None:
    async with open_program(facade="ollama") as program:
        for method, path, more in [("GET", "/api/tags", {}), ("OPTIONS", "/api/chat", PREFLIGHT)]:
            request = request_bytes(method, path, headers={"origin": origin, **more})
            reply = await ask(program.client(), request, method)
            assert reply.status == (204 if more else 200)
            assert reply.headers["access-control-allow-origin"] == origin
            assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        *("http://localhost:3000", "https://app.example", "http://app", "null", "app", "apps://x"),
        *("chrome-extension://abc", "xapp://x", "http://app://x", "://", ""),
    ],
)
async def test_pages_and_extensions_are_not(autojump_clock: MockClock, origin: str) -> None:
    async with open_program(facade="ollama") as program:
        request = request_bytes("GET", "/api/tags", headers={"origin": origin})
        (reply,) = await replies_to(program, request, "GET")
        assert reply.status == 403
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("facade", ["lmstudio", "dashboard"])
async def test_other_ports_do_not_know_them(autojump_clock: MockClock, facade: str) -> None:
    async with open_program(facade=facade) as program:
        request = request_bytes("GET", "/v1/models", headers={"origin": APPS[0]})
        (reply,) = await replies_to(program, request, "GET")
        assert reply.status == 403


async def test_an_app_needs_a_key_like_everybody(autojump_clock: MockClock) -> None:
    async with open_program(facade="ollama", config=KEYED) as program:
        request = request_bytes("GET", "/api/tags", headers={"origin": APPS[0]})
        (reply,) = await replies_to(program, request, "GET")
        assert reply.status == 401
        assert isinstance(reply.json["error"], str)
