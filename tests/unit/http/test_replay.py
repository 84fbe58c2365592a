from __future__ import annotations

import h11
import pytest
from hypothesis import given, strategies as st

from llama_runner.http.replay import replay
from llama_runner.wire.request_head import HeadError, parse_request_head

LINES = [
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "Upgrade: H2C",
    "Upgrade: websocket",
    "HTTP2-Settings: AAMAAABk",
    "Expect: 100-continue",
    "Trailer: x",
    "TE: trailers",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=x",
    "Sec-WebSocket-Protocol: \xff",
    "X-Mine: yes",
]


def events_of(data: bytes) -> list[h11.Event]:
    """Return what h11 reads as a server, until it wants more."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    events = []
    while isinstance(event := connection.next_event(), h11.Event):
        events.append(event)
    assert connection.trailing_data[0] == b""
    return events


@given(
    st.lists(st.sampled_from(LINES), max_size=5),
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.sampled_from(["1.0", "1.1"]),
    st.binary(max_size=50),
)
def test_one_request_is_handed_on_and_nothing_behind_it(
    lines: list[str], method: str, version: str, body: bytes
) -> None:
    start = f"{method} /a?b HTTP/{version}"
    raw = "\r\n".join([start, "Host: localhost", *lines, "", ""]).encode("latin-1")
    try:
        head = parse_request_head(raw)
    except HeadError:
        return
    body = body if head.has_body else b""
    request, *data, _end = events_of(replay(head, body))
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (method.encode(), b"/a?b")
    assert b"".join(bytes(event.data) for event in data if isinstance(event, h11.Data)) == body
    names = {name for name, _ in request.headers}
    assert not names & {b"http2-settings", b"transfer-encoding", b"expect", b"te", b"trailer"}
    assert not names & {b"sec-websocket-extensions", b"sec-websocket-protocol"}
    assert (b"upgrade" in names) is head.wants_websocket
    assert (b"x-mine" in names) is ("X-Mine: yes" in lines)


@pytest.mark.parametrize("lines", [[], ["Connection: close"]])
def test_hypercorn_is_told_whether_the_connection_stays(lines: list[str]) -> None:
    raw = "\r\n".join(["GET / HTTP/1.1", "Host: a", *lines, "", ""]).encode()
    data = replay(parse_request_head(raw), b"")
    assert (b"connection: close" in data) is bool(lines)
