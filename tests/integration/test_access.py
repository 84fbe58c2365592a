"""Who may talk to us: the same rules on every listener and for every kind of path."""

from __future__ import annotations

import pytest
from trio.testing import MockClock

from tests.support.access_cases import (
    PAGE,
    SECURED,
    a_request,
    code_of,
    kinds,
    listeners,
    status_of,
)
from tests.support.front_door import ask, note_applied, replies_to
from tests.support.http_client import request_bytes
from tests.support.program import open_program

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


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every path that reaches an application."""
    return note_applied(monkeypatch)


@listeners
@kinds
async def test_foreign_hosts_and_pages_are_turned_away_everywhere(
    autojump_clock: MockClock, applied: list[str], listener: str, kind: str
) -> None:
    offences = [{"host": host} for host in FOREIGN_HOSTS] + FOREIGN_PAGES
    async with open_program(config=SECURED, facade=listener) as program:
        for offence in offences:
            method, request = a_request(listener, kind, offence)
            (reply,) = await replies_to(program, request, method)
            assert reply.status == 403, offence
            expected = "host_not_allowed" if "host" in offence else "origin_not_allowed"
            assert code_of(listener, reply.json) == expected, offence
            assert reply.headers["connection"] == "close"
            assert "access-control-allow-origin" not in reply.headers
        assert applied == []
        assert program.engine.bytes_received == 0
        assert program.spawn.history == []
        assert not program.stop.requested.is_set()


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
        (reply,) = await replies_to(program, b"GET /v1/models HTTP/1.0\r\n\r\n", "GET")
        assert reply.status == 200
        (reply,) = await replies_to(program, b"GET /v1/models HTTP/1.1\r\n\r\n", "GET")
        assert reply.status == 400
        twice = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n"
        (reply,) = await replies_to(program, twice, "GET")
        assert reply.status == 400


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("origin", PAGE, "http://evil.example"),
        ("origin", "http://evil.example", PAGE),
        ("sec-fetch-site", "same-origin", "cross-site"),
        ("sec-fetch-site", "cross-site", "same-origin"),
    ],
)
async def test_everything_that_is_said_of_a_page_must_be_allowed(
    autojump_clock: MockClock, name: str, first: str, second: str
) -> None:
    head = f"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n{name}: {first}\r\n{name}: {second}"
    async with open_program(config=SECURED) as program:
        (reply,) = await replies_to(program, f"{head}\r\n\r\n".encode(), "GET")
        assert reply.status == 403
