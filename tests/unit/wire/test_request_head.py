from __future__ import annotations

import h11
import pytest
from hypothesis import given, strategies as st

from llama_runner.wire.request_head import HeadError, RequestHead, parse_request_head


def head_of(*lines: str, start: str = "POST /v1/models HTTP/1.1") -> RequestHead:
    whole = [start, "Host: localhost", *lines, "", ""]
    return parse_request_head("\r\n".join(whole).encode("latin-1"))


def refusal_of(raw: bytes) -> HeadError:
    with pytest.raises(HeadError) as caught:
        parse_request_head(raw)
    return caught.value


def test_a_head_is_read() -> None:
    head = head_of("X-Two: a", "x-two:  b ", start="GET /v1/models?a=1?b HTTP/1.1")
    assert (head.method, head.path, head.query) == ("GET", "/v1/models", "a=1?b")
    assert head.target == "/v1/models?a=1?b"
    assert head.values(b"x-two") == ("a", "b")
    assert head.header(b"x-two") == "a"
    assert head.header(b"x-three") is None
    assert (head.content_length, head.chunked, head.has_body) == (None, False, False)


@pytest.mark.parametrize(
    ("lines", "length", "chunked"),
    [
        (["Content-Length: 5"], 5, False),
        (["Content-Length: 005"], 5, False),
        (["Content-Length: 5, 5"], 5, False),
        (["Content-Length: 5", "Content-Length: 5"], 5, False),
        (["Content-Length: 0"], 0, False),
        (["Content-Length: 99999999999999999999"], 99999999999999999999, False),
        (["Transfer-Encoding: chunked"], None, True),
        (["Transfer-Encoding: CHUNKED"], None, True),
    ],
)
def test_the_framing_is_read(lines: list[str], length: int | None, chunked: bool) -> None:
    head = head_of(*lines)
    assert (head.content_length, head.chunked) == (length, chunked)
    assert head.has_body is (chunked or bool(length))


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], 400),
        (["Content-Length: 5", "Content-Length: 6"], 400),
        (["Content-Length: 5, 6"], 400),
        (["Content-Length: -5"], 400),
        (["Content-Length: +5"], 400),
        (["Content-Length: 0x5"], 400),
        (["Content-Length: 5 5"], 400),
        (["Content-Length: 1e3"], 400),
        (["Content-Length:"], 400),
        (["Content-Length: 999999999999999999999"], 400),
        (["Content-Length: \xb2"], 400),
        (["Transfer-Encoding: gzip, chunked"], 501),
        (["Transfer-Encoding: identity"], 501),
        (["Transfer-Encoding: xchunked"], 501),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 501),
        (["Transfer-Encoding : chunked"], 400),
        ([" Transfer-Encoding: chunked"], 400),
        (["X: a", " folded"], 400),
        (["X: a", "\tfolded"], 400),
        (["X: a\0b"], 400),
        (["X\0: a"], 400),
        (["X: a\x0bb"], 400),
        (["X y: a"], 400),
        (["no colon"], 400),
        ([": no name"], 400),
        (["H\xf6st: a"], 400),
        (["Host: evil.example"], 400),
    ],
)
def test_what_two_programs_could_read_differently_is_refused(lines: list[str], status: int) -> None:
    start = "POST /v1/chat/completions HTTP/1.1"
    raw = "\r\n".join([start, "Host: localhost", *lines, "", ""]).encode("latin-1")
    assert refusal_of(raw).status == status


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\nHost: localhost\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
        b"GET / HTTP/1.1\rHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\n",
    ],
)
def test_lines_end_in_crlf_and_in_nothing_else(raw: bytes) -> None:
    assert refusal_of(raw).status == 400
    assert "CRLF" in str(refusal_of(raw))


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("GET / HTTP/2.0", 505),
        ("GET / HTTP/1.2", 505),
        ("GET / HTTP/0.9", 505),
        ("PRI * HTTP/2.0", 505),
        ("GET / HTTP/11.1", 400),
        ("GET / HTTP/1", 400),
        ("GET / http/1.1", 400),
        ("GET / HTTPS/1.1", 400),
        ("GET /", 400),
        ("GET  / HTTP/1.1", 400),
        ("GET / HTTP/1.1 ", 400),
        ("GET /a b HTTP/1.1", 400),
        ("GET /\xe4 HTTP/1.1", 400),
        ("GET /\0 HTTP/1.1", 400),
        ("G\0T / HTTP/1.1", 400),
        ("G(T / HTTP/1.1", 400),
        ("post /api/stop HTTP/1.1", 400),
        ("Head / HTTP/1.1", 400),
        (" GET / HTTP/1.1", 400),
        ("GET http://localhost/v1/models HTTP/1.1", 400),
        ("GET evil.example/ HTTP/1.1", 400),
        ("CONNECT evil.example:443 HTTP/1.1", 400),
        ("CONNECT /v1/models HTTP/1.1", 400),
        ("CONNECT /v1/models HTTP/1.0", 400),
        ("GET * HTTP/1.1", 400),
        ("GET ? HTTP/1.1", 400),
        ("\x16\x03\x01 the start of TLS", 400),
    ],
)
def test_a_request_line_that_is_not_ours_to_serve_is_refused(start: str, status: int) -> None:
    raw = f"{start}\r\nHost: localhost\r\n\r\n".encode("latin-1")
    assert refusal_of(raw).status == status


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("G(T / HTTP/1.1\r\n", "illegal request line: 'G(T / HTTP/1.1'"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX y: b\r\n", "illegal header line: 'X y: b'"),
        ("GET / HTTP/1.1\r\n", "Missing mandatory Host: header"),
        (f"x{'y' * 5000}\r\n", f"illegal request line: 'x{'y' * 79}…'"),
        (f"GET {'y' * 5000} HTTP/1.1\r\nHost: a\r\n", f"got '{'y' * 80}…'"),
        (f"{'g' * 5000} / HTTP/1.1\r\nHost: a\r\n", f"got '{'g' * 80}…' (RFC 9110, 9.1)"),
    ],
)
def test_what_is_wrong_is_quoted_shortly(lines: str, message: str) -> None:
    assert str(refusal_of(f"{lines}\r\n".encode())).endswith(message)


def test_chunks_need_http_1_1() -> None:
    raw = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert refusal_of(raw).status == 400


def test_options_may_ask_about_the_whole_server() -> None:
    assert head_of(start="OPTIONS * HTTP/1.1").path == "*"


@pytest.mark.parametrize(
    ("start", "lines", "keeps"),
    [
        ("GET / HTTP/1.1", [], True),
        ("GET / HTTP/1.1", ["Connection: Close"], False),
        ("GET / HTTP/1.1", ["Connection: upgrade, close"], False),
        ("GET / HTTP/1.1", ["Connection: keep-alive", "Connection: close"], False),
        ("GET / HTTP/1.0", [], False),
        ("GET / HTTP/1.0", ["Connection: keep-alive"], False),
    ],
)
def test_whether_the_connection_stays_is_read(start: str, lines: list[str], keeps: bool) -> None:
    assert head_of(*lines, start=start).keeps_alive is keeps


@pytest.mark.parametrize(
    ("start", "lines", "wants"),
    [
        ("GET / HTTP/1.1", ["Connection: Upgrade", "Upgrade: WebSocket"], True),
        ("GET / HTTP/1.1", ["Connection: a", "Connection: upgrade", "Upgrade: websocket"], True),
        ("GET / HTTP/1.1", ["Connection: upgrade", "Upgrade: a", "Upgrade: websocket"], True),
        ("GET / HTTP/1.1", ["Connection: upgrade", "Upgrade: h2c"], False),
        ("GET / HTTP/1.1", ["Upgrade: websocket"], False),
        ("POST / HTTP/1.1", ["Connection: upgrade", "Upgrade: websocket"], False),
    ],
)
def test_whether_a_websocket_is_wanted_is_read(start: str, lines: list[str], wants: bool) -> None:
    assert head_of(*lines, start=start).wants_websocket is wants


def test_only_http_1_1_can_expect_to_be_told_to_go_on() -> None:
    assert head_of("Expect: 100-Continue").expects_continue
    assert not head_of("Expect: 100-continue", start="POST / HTTP/1.0").expects_continue


PIECES = [
    b"GET / HTTP/1.1",
    b"Host: a",
    b"Content-Length: 3",
    b"Transfer-Encoding: chunked",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\0",
    b"\xff",
    b":",
]


@given(st.one_of(st.binary(max_size=80), st.lists(st.sampled_from(PIECES)).map(b"".join)))
def test_any_bytes_are_a_head_or_refused(raw: bytes) -> None:
    try:
        head = parse_request_head(raw + b"\r\n\r\n")
    except HeadError as error:
        assert error.status in (400, 431, 501, 505)
    else:
        assert head.path.startswith("/")
        assert not (head.chunked and head.content_length is not None)
        assert all(b"\r" not in value and b"\0" not in value for _, value in head.headers)


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_what_is_taken_h11_would_read_in_the_same_way(raw: bytes) -> None:
    data = b"POST / HTTP/1.1\r\nHost: a\r\n" + raw + b"\r\n\r\n"
    try:
        head = parse_request_head(data[: data.index(b"\r\n\r\n") + 4])
    except HeadError:
        return
    other = h11.Connection(h11.SERVER)
    other.receive_data(data)
    request = other.next_event()
    assert isinstance(request, h11.Request)
    assert tuple(request.headers) == head.headers
