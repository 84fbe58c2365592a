"""Who may talk to us: the same rules on every listener and for every kind of path."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from trio.testing import MockClock

from llama_runner.config.app import ApiKey, AppConfig, SecurityConfig
from llama_runner.http.application import Application
from tests.support.front_door import ask, conversation
from tests.support.http_client import RawClient, request_bytes
from tests.support.program import CHAT, STREAM, Program, open_program

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

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:1234",
    "evil.example.",
    "127.0.0.1.evil.example",
    "localhost.evil.example:1234",
    "evillocalhost",
    "localhost:1234@evil.example",
    "localhost, evil.example",
    "192.168.1.10",
    "0.0.0.0:1234",
    "[2001:db8::1]:1234",
    "[::ffff:192.168.1.10]",
    "[::1].evil.example",
    "::1",
    "[::1",
    "",
]
GOOD_HOSTS = [
    "localhost",
    "LocalHost:1234",
    "localhost.",
    "app.localhost:9",
    "127.0.0.1",
    "127.0.0.1:1234",
    "127.1.2.3",
    "[::1]",
    "[::1]:1234",
    "[0:0:0:0:0:0:0:1]:1234",
    "llm.home",
    "LLM.home:1234",
]
FOREIGN_PAGES: list[dict[str, str]] = [
    {"origin": "http://evil.example"},
    {"origin": "https://localhost:1234"},
    {"origin": "http://localhost:9999"},
    {"origin": "http://localhost:1234.evil.example"},
    {"origin": "http://localhost:1234@evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://["},
    {"origin": f"{PAGE}, http://evil.example"},
    {"origin": f"{PAGE}.evil.example"},
    {"origin": "http://evil.example", "content-type": "text/plain"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
]
GOOD_PAGES: list[dict[str, str]] = [
    {"origin": "http://localhost:1234"},
    {"origin": PAGE},
    {"origin": "HTTPS://APP.example"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
    {},
]

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


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every path that reaches an application."""
    paths: list[str] = []
    serve = Application.serve

    async def noting(self: Application, answer: Any, addresses: Any, head: Any, *rest: Any) -> Any:
        paths.append(head.path)
        return await serve(self, answer, addresses, head, *rest)

    monkeypatch.setattr(Application, "serve", noting)
    return paths


async def status_of(client: RawClient, method: str, request: bytes) -> int:
    """Return the status of the answer, 101 included; leave at once."""
    await client.send(request)
    data = await client.receive()
    client.close()
    return int(data.split()[1])


@listeners
@kinds
async def test_foreign_hosts_and_pages_are_turned_away_everywhere(
    autojump_clock: MockClock, applied: list[str], listener: str, kind: str
) -> None:
    offences = [{"host": host} for host in FOREIGN_HOSTS] + FOREIGN_PAGES
    async with open_program(config=SECURED, facade=listener) as program:
        for offence in offences:
            method, request = a_request(listener, kind, offence)
            (reply,) = await conversation(program, request, method)
            assert reply.status == 403, offence
            expected = "host_not_allowed" if "host" in offence else "origin_not_allowed"
            assert code_of(listener, reply.json) == expected, offence
            assert reply.headers["connection"] == "close"
            assert "access-control-allow-origin" not in reply.headers
        assert applied == []
        assert program.engine.bytes_received == 0
        assert program.spawn.history == []
        assert not program.stop.requested.is_set()


def code_of(listener: str, fields: Any) -> str:
    """Return the code of an error, which must have its dialect's shape."""
    if listener == "dashboard":
        assert set(fields) == {"error", "code", "status"}
        return str(fields["code"])
    assert set(fields["error"]) == {"message", "type", "param", "code"}
    return str(fields["error"]["code"])


@listeners
@kinds
async def test_our_own_hosts_and_pages_are_let_in_everywhere(
    autojump_clock: MockClock, listener: str, kind: str
) -> None:
    welcome = [{"host": host} for host in GOOD_HOSTS] + GOOD_PAGES
    welcome.append({"host": "llm.home", "origin": "http://LLM.home"})
    async with open_program(config=SECURED, facade=listener) as program:
        for headers in welcome:
            method, request = a_request(listener, kind, headers)
            status = await status_of(program.client(), method, request)
            denied = listener == "dashboard" and kind == "relay"  # /api/stop has its own key
            assert (status == 403) is denied, headers
            assert status < 500


async def test_a_link_from_another_site_may_be_followed(autojump_clock: MockClock) -> None:
    headers = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    async with open_program(facade="dashboard") as program:
        reply = await ask(program.client(), request_bytes("GET", "/", headers=headers), "GET")
        assert reply.status == 200
        assert reply.headers["content-type"].startswith("text/html")


async def test_a_client_without_a_host_is_let_in_only_by_http_1_0(
    autojump_clock: MockClock,
) -> None:
    async with open_program() as program:
        (reply,) = await conversation(program, b"GET /v1/models HTTP/1.0\r\n\r\n", "GET")
        assert reply.status == 200
        (reply,) = await conversation(program, b"GET /v1/models HTTP/1.1\r\n\r\n", "GET")
        assert reply.status == 400
        twice = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n"
        (reply,) = await conversation(program, twice, "GET")
        assert reply.status == 400


async def test_every_origin_that_is_named_must_be_allowed(autojump_clock: MockClock) -> None:
    head = f"GET /v1/models HTTP/1.1\r\nhost: localhost\r\norigin: {PAGE}\r\n"
    request = f"{head}origin: http://evil.example\r\n\r\n".encode()
    async with open_program(config=SECURED) as program:
        (reply,) = await conversation(program, request, "GET")
        assert reply.status == 403


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
        replies = await conversation(program, request, "OPTIONS", "GET")
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
            (reply,) = await conversation(program, request, method)
            assert reply.status == expected, headers
            assert code_of(listener, reply.json) == "invalid_api_key"
            assert reply.headers["www-authenticate"] == "Bearer"
            assert applied == []


async def test_a_page_may_read_that_its_key_is_wrong(autojump_clock: MockClock) -> None:
    async with open_program(config=KEYED) as program:
        (reply,) = await conversation(program, request_bytes(body=CHAT, headers={"origin": PAGE}))
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
