"""What the front does with what a client sends, on relay routes and all others alike."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.access_cases import HANDSHAKE
from tests.support.front_cases import BODY, PATHS, SERVED, SMALL, chunked, everywhere, post
from tests.support.front_door import ask, next_reply, note_applied, replies_to
from tests.support.http_client import request_bytes
from tests.support.program import CHAT, open_program


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every path that reaches an application."""
    return note_applied(monkeypatch)


MALFORMED: list[tuple[list[str], bytes, int]] = [
    (["Content-Length: 5", "Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
    (["Content-Length: 5", "Content-Length: 6"], b"hello!", 400),
    (["Content-Length: -1"], b"", 400),
    (["Content-Length: 99999999999999999999"], b"", 413),
    (["Content-Length: 999999999999999999999"], b"", 400),
    (["Content-Length: 2001"], b"", 413),
    (["X: a\rb"], b"", 400),
    (["X: a\nY: b"], b"", 400),
    (["X: a", " folded"], b"", 400),
    (["X: a\0b"], b"", 400),
    (["X: " + "a" * 1000], b"", 431),
    (["X: y"] * 100, b"", 431),
    (["X: y"] * 100 + ["X: z\nY: z"], b"", 431),
    (["Transfer-Encoding: gzip"], b"", 501),
    (["Transfer-Encoding: chunked"], b"zz\r\n", 400),
    (["Transfer-Encoding: chunked"], b"-5\r\nhello\r\n", 400),
    (["Transfer-Encoding: chunked"], b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b" 5\r\nhello\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"5 \r\nhello\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"5;ext=1\r\nhello\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"5\nhello\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"5\r\nhelloX\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"000000005\r\nhello\r\n0\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], b"ffffffffffffffff\r\nhello", 400),
    (["Transfer-Encoding: chunked"], b"5\r\nhello\r\n0\r\nX: trailer\r\n\r\n", 400),
    (["Transfer-Encoding: chunked"], chunked(b"x" * 1500, b"y" * 501), 413),
]


@everywhere
async def test_nothing_malformed_is_passed_on(
    autojump_clock: MockClock, applied: list[str], kind: str
) -> None:
    async with open_program(config=SMALL) as program:
        for lines, body, status in MALFORMED:
            # What follows is fine by itself, and must not be taken for a request of its own.
            request = post(kind, *lines, body=body) + request_bytes("GET", "/v1/models")
            replies = await replies_to(program, request)
            assert [reply.status for reply in replies] == [status], (lines, body)
            assert set(replies[0].json["error"]) == {"message", "type", "param", "code"}
            assert replies[0].headers["connection"] == "close"
        assert applied == []
        assert program.engine.bytes_received == 0
        assert program.exchanges == []


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("PRI * HTTP/2.0", 505),
        ("POST {} HTTP/1.2", 505),
        ("POST {} HTTP/3.0", 505),
        ("POST http://localhost{} HTTP/1.1", 400),
        ("CONNECT localhost:1234 HTTP/1.1", 400),
        ("CONNECT {} HTTP/1.1", 400),
        ("connect {} HTTP/1.1", 400),
        ("POST {}", 400),
        ("hello", 400),
        ("\x16\x03\x01\x02", 400),
    ],
)
async def test_other_protocols_are_told_so(
    autojump_clock: MockClock, applied: list[str], request_line: str, status: int
) -> None:
    async with open_program() as program:
        for kind in PATHS:
            (reply,) = await replies_to(program, post(kind, start=request_line))
            assert reply.status == status
        assert applied == []
        assert program.engine.bytes_received == 0


@everywhere
@pytest.mark.parametrize("name", ["h2c", "H2C", "foo, h2c", "TLS/1.2"])
async def test_an_upgrade_to_something_else_is_passed_over(
    autojump_clock: MockClock, kind: str, name: str
) -> None:
    lines = ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {name}", "HTTP2-Settings: AAMAAABk"]
    method = "POST" if kind == "relay" else "GET"
    lines.append(f"Content-Length: {len(BODY)}" if kind == "relay" else "X: y")
    body = BODY if kind == "relay" else b""
    request = post(kind, *lines, body=body, start=method + " {} HTTP/1.1")
    async with open_program() as program:
        client = program.client()
        for _ in range(2):
            assert (await ask(client, request, method)).status == 200


async def test_no_second_request_passes_behind_a_doubtful_upgrade(
    autojump_clock: MockClock, applied: list[str]
) -> None:
    lines = ["Connection: upgrade", "Upgrade: websocket", "Upgrade: other"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    inner = b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    request = post("quart", *lines, start="GET {} HTTP/1.1") + inner
    async with open_program() as program:
        replies = await replies_to(program, request, "GET", "GET")
        assert [reply.status for reply in replies] == [400]
        assert applied == ["/v1/models"]


@pytest.mark.parametrize("path", ["/v1/models", "/nothing"])
async def test_a_websocket_that_is_refused_ends_the_connection_and_says_so(
    autojump_clock: MockClock, path: str
) -> None:
    async with open_program() as program:
        request = request_bytes("GET", path, headers=HANDSHAKE)
        (reply,) = await replies_to(program, request, "GET")
        assert reply.status >= 400
        assert reply.headers["connection"] == "close"


@everywhere
async def test_a_head_must_come_in_time(autojump_clock: MockClock, kind: str) -> None:
    async with open_program(config=SMALL) as program:
        client = program.client()
        began = trio.current_time()
        await client.send(b"\r\n")
        await trio.sleep(20)  # an empty line is not the start of a request
        for piece in (b"POST ", PATHS[kind].encode(), b" HTTP/1.1\r\nHost: local", b"host\r\n"):
            await client.send(piece)
            await trio.sleep(2)
        reply = await next_reply(client)
        assert (reply.status, reply.headers["connection"]) == (408, "close")
        assert trio.current_time() - began == pytest.approx(30)


@everywhere
async def test_a_body_must_keep_its_pace(autojump_clock: MockClock, kind: str) -> None:
    for framing in ("Content-Length: 1900", "Transfer-Encoding: chunked"):
        async with open_program(config=SMALL) as program:
            client = program.client()
            began = trio.current_time()
            piece = b"5\r\nhello\r\n" if "chunked" in framing else b"hello"
            await client.send(post(kind, framing))
            for _ in range(500 // len(piece)):  # half the pace that is asked for
                await client.send(piece)
                await trio.sleep(len(piece) / 50)
            reply = await next_reply(client)
            assert reply.status == 408
            assert trio.current_time() - began == pytest.approx(15, abs=0.2)


async def test_a_slow_but_steady_body_is_taken(autojump_clock: MockClock) -> None:
    async with open_program(config=SMALL) as program:
        client = program.client()
        body = BODY + b" " * (1900 - len(BODY))
        await client.send(post("relay", "Content-Length: 1900"))
        for start in range(0, 1900, 10):
            await client.send(body[start : start + 10])
            await trio.sleep(0.1)
        assert (await next_reply(client)).status == 200


@everywhere
@pytest.mark.parametrize("cut", [1, 7, 10000])
async def test_a_chunked_body_is_taken(autojump_clock: MockClock, kind: str, cut: int) -> None:
    pieces = [BODY[start : start + 11] for start in range(0, len(BODY), 11)]
    request = post(kind, "Transfer-Encoding: chunked", body=chunked(*pieces))
    async with open_program() as program:
        client = program.client()
        for _ in range(2):
            for start in range(0, len(request), cut):
                await client.send(request[start : start + cut])
                await trio.sleep(0.001)
            reply = await next_reply(client)
            assert reply.status == SERVED[kind]
            assert "connection" not in reply.headers
        if kind == "relay":
            assert [asked.body["messages"] for asked in program.engine.asked] == (
                [CHAT["messages"]] * 2
            )


@everywhere
@pytest.mark.parametrize("framing", ["Content-Length: {}", "Transfer-Encoding: chunked"])
async def test_a_client_that_asks_is_told_to_go_on(
    autojump_clock: MockClock, kind: str, framing: str
) -> None:
    body = chunked(BODY) if "chunked" in framing else BODY
    async with open_program() as program:
        client = program.client()
        await client.send(post(kind, framing.format(len(BODY)), "Expect: 100-continue"))
        assert await client.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
        reply = await ask(client, body)
        assert reply.status == SERVED[kind]
        # Who does not wait for it is not told.
        client = program.client()
        request = post(kind, framing.format(len(BODY)), "Expect: 100-continue", body=body)
        await client.send(request)
        assert (await client.receive()).startswith(b"HTTP/1.1 200")


@everywhere
async def test_a_body_that_is_too_large_is_not_asked_for(
    autojump_clock: MockClock, kind: str
) -> None:
    async with open_program(config=SMALL) as program:
        request = post(kind, "Content-Length: 2001", "Expect: 100-continue")
        client = program.client()
        await client.send(request)
        assert (await client.receive()).startswith(b"HTTP/1.1 413")


@everywhere
async def test_as_many_headers_as_may_be_are_taken(autojump_clock: MockClock, kind: str) -> None:
    lines = [f"Content-Length: {len(BODY)}", *["X: y"] * 98]  # and Host
    async with open_program(config=SMALL) as program:
        reply = await ask(program.client(), post(kind, *lines, body=BODY))
        assert reply.status == SERVED[kind]


async def test_a_body_up_to_the_limit_is_taken(autojump_clock: MockClock) -> None:
    body = BODY + b" " * (2000 - len(BODY))
    async with open_program(config=SMALL) as program:
        for request in (
            post("relay", "Content-Length: 2000", body=body),
            post("relay", "Transfer-Encoding: chunked", body=chunked(body)),
        ):
            assert (await ask(program.client(), request)).status == 200


@pytest.mark.parametrize("kind", ["relay", "quart"])
async def test_a_slash_at_the_end_of_a_path_changes_nothing(
    kind: str, applied: list[str], autojump_clock: MockClock
) -> None:
    method, path, body = {
        "relay": ("POST", "/v1/chat/completions/", CHAT),
        "quart": ("GET", "/v1/models/?x=/", None),
    }[kind]
    async with open_program() as program:
        plain = await ask(
            program.client(), request_bytes(method, path.replace("s/", "s"), body), method
        )
        reply = await ask(program.client(), request_bytes(method, path, body), method)
        assert (reply.status, reply.json["object"]) == (200, plain.json["object"])
        assert len(program.engine.asked) == (2 if kind == "relay" else 0)
    assert bool(applied) == (kind == "quart")
