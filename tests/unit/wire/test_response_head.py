from __future__ import annotations

import h11
import pytest
from hypothesis import given, strategies as st

from llama_runner.wire.framing import FramingError
from llama_runner.wire.response_head import MAX_HEAD_BYTES, ResponseHead, split_response_head


def head(*lines: str, first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def parse(*lines: str, first: str = "HTTP/1.1 200 OK") -> ResponseHead:
    split = split_response_head(head(*lines, first=first))
    assert split is not None
    return split[0]


def test_an_answer_of_the_engine_is_read() -> None:
    received = head(
        "Server: llama.cpp",
        "Access-Control-Allow-Origin: ",
        "Content-Type: application/json; charset=utf-8",
        "Content-Length: 15",
        "Keep-Alive: timeout=5, max=100",
    )
    split = split_response_head(received + b'{"status":"ok"}')
    assert split is not None
    answer, rest = split
    assert rest == b'{"status":"ok"}'
    assert answer.status == 200
    assert answer.content_type == "application/json; charset=utf-8"
    assert answer.content_length == 15
    assert not answer.chunked
    assert not answer.close
    assert answer.headers["access-control-allow-origin"] == ""
    assert answer.headers["keep-alive"] == "timeout=5, max=100"


def test_a_chunked_answer_has_no_length() -> None:
    answer = parse("Transfer-Encoding: Chunked", "Connection: keep-alive")
    assert (answer.chunked, answer.content_length, answer.close) == (True, None, False)


def test_an_answer_without_framing_lasts_until_the_connection_closes() -> None:
    assert parse("Content-Type: text/plain").close


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_needs_no_framing(status: str) -> None:
    answer = parse(first=f"HTTP/1.1 {status}")
    assert (answer.content_length, answer.close) == (0, False)


def test_an_old_or_leaving_engine_closes() -> None:
    assert parse("Content-Length: 1", first="HTTP/1.0 200 OK").close
    assert parse("Content-Length: 1", "Connection: Keep-Alive, Close").close


def test_a_reason_may_be_missing() -> None:
    assert parse("Content-Length: 0", first="HTTP/1.1 503").status == 503


def test_a_header_that_comes_twice_is_joined() -> None:
    assert parse("A: 1", "a: 2").headers["a"] == "1, 2"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 1", "Transfer-Encoding: chunked"],
        ["Content-Length: 1", "Content-Length: 2"],
        ["Content-Length: 1", "Content-Length: 1"],
        ["Content-Length: +1"],
        ["Content-Length: 1_0"],
        ["Content-Length: "],
        ["Content-Length: " + "9" * 19],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Folded: a", " b"],
        ["Name : value"],
        [": value"],
        ["no colon"],
        ["Bare: a\rb"],
        ["Bare: a\nb"],
        ["Zero: a\0b"],
        ["Zeró: a"],
    ],
)
def test_ambiguous_headers_are_refused(lines: list[str]) -> None:
    with pytest.raises(FramingError):
        parse(*lines)


@pytest.mark.parametrize(
    "first",
    ["", "HTTP/2 200 OK", "HTTP/1.1 100 Continue", "HTTP/1.1 20 OK", "HTTP/1.1 2000", "200 OK"],
)
def test_other_status_lines_are_refused(first: str) -> None:
    with pytest.raises(FramingError):
        parse(first=first)


def test_a_head_that_never_ends_is_refused() -> None:
    assert split_response_head(b"x" * (MAX_HEAD_BYTES - 1)) is None
    with pytest.raises(FramingError):
        split_response_head(b"x" * MAX_HEAD_BYTES)


@given(st.binary())
def test_no_bytes_raise_anything_but_a_framing_error(received: bytes) -> None:
    try:
        split_response_head(b"HTTP/1.1 200 OK\r\n" + received + b"\r\n\r\n")
    except FramingError:
        pass


@given(st.integers(0, 70))
def test_half_a_head_is_waited_for(length: int) -> None:
    whole = head("Content-Type: application/json", "Content-Length: 15")
    assert split_response_head(whole[: min(length, len(whole) - 1)]) is None


FIRSTS = [
    "HTTP/1.1 200 OK",
    "HTTP/1.0 404",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 200\t",
]
LINES = [
    *["Content-Length: 5", "content-length:5\t", "Content-Length: 5, 5", "Content-Length: 05"],
    *["Transfer-Encoding: chunked", "transfer-encoding: CHUNKED ", "Transfer-Encoding: x"],
    *[
        "Connection: close",
        "X: \xff",
        "X:",
        "X: a\tb",
        "X: a\x7f",
        "X : y",
        "X",
        " folded",
        "X: y\0",
    ],
]


@given(st.sampled_from(FIRSTS), st.lists(st.sampled_from(LINES), max_size=4))
def test_what_is_taken_h11_would_read_in_the_same_way(first: str, lines: list[str]) -> None:
    received = head(*lines, first=first)
    try:
        split = split_response_head(received)
    except FramingError:
        return
    assert split is not None
    answer, _ = split
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(received)
    other = connection.next_event()
    assert isinstance(other, h11.Response)
    assert other.status_code == answer.status
    headers = dict(other.headers)
    assert (headers.get(b"transfer-encoding", b"").lower() == b"chunked") is answer.chunked
    length = headers.get(b"content-length")
    assert (None if length is None else int(length)) == answer.content_length
