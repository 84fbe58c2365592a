"""Requests of every kind to every listener, for the tests of who is let in."""

from __future__ import annotations

from typing import Any

import pytest

from llama_runner.config.app import AppConfig
from llama_runner.config.security import ApiKey, SecurityConfig
from tests.support.http_client import RawClient, request_bytes
from tests.support.program import STREAM

PAGE = "https://app.example"
SECURED = AppConfig(
    security=SecurityConfig(allowed_hosts=("llm.home",), allowed_origins=(PAGE, "http://llm.home"))
)
KEYED = AppConfig(
    security=SecurityConfig(
        api_keys=(ApiKey(name="one", key="first-key"), ApiKey(name="two", key="second-key")),
        allowed_origins=(PAGE,),
    )
)

HANDSHAKE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
STATUS_PATHS = {"lmstudio": "/v1/models", "ollama": "/v1/models", "dashboard": "/api/status"}

listeners = pytest.mark.parametrize("listener", ["lmstudio", "ollama", "dashboard"])
kinds = pytest.mark.parametrize("kind", ["relay", "quart", "websocket", "unknown", "options"])


def a_request(listener: str, kind: str, headers: dict[str, str]) -> tuple[str, bytes]:
    """Return the method and the bytes of a request that is fine but for ``headers``."""
    if kind == "relay":
        path = "/api/stop" if listener == "dashboard" else "/v1/chat/completions"
        return "POST", request_bytes("POST", path, STREAM, headers)
    if kind == "quart":
        return "GET", request_bytes("GET", STATUS_PATHS[listener], headers=headers)
    if kind == "websocket":
        return "GET", request_bytes("GET", "/api/events", headers={**HANDSHAKE, **headers})
    if kind == "options":
        asks = {"access-control-request-method": "POST", **headers}
        return "OPTIONS", request_bytes("OPTIONS", "/v1/chat/completions", headers=asks)
    return "POST", request_bytes("POST", "/nothing", b"hi", headers)


async def status_of(client: RawClient, method: str, request: bytes) -> int:
    """Return the status of the answer, 101 included; leave at once."""
    await client.send(request)
    data = await client.receive()
    client.close()
    return int(data.split()[1])


def code_of(listener: str, fields: Any) -> str:
    """Return the code of an error, which must have its dialect's shape."""
    if listener == "dashboard":
        assert set(fields) == {"error", "code", "status"}
        return str(fields["code"])
    if listener == "ollama" and isinstance(fields["error"], str):
        assert set(fields) == {"error", "code"}
        return str(fields["code"])
    assert set(fields["error"]) == {"message", "type", "param", "code"}
    return str(fields["error"]["code"])
