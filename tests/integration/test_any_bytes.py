"""Whatever bytes a client sends, it gets well-formed answers, or the connection ends."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import orjson
import pytest
import trio
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.support.cuts import anywhere, cut
from tests.support.front_door import on_virtual_clock, replies_in
from tests.support.http_client import Reply, request_bytes
from tests.support.program import CHAT, STREAM, open_program

BODY = orjson.dumps(CHAT)
PIECES = [
    b"GET /v1/models HTTP/1.1\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\n",
    b"POST /nothing HTTP/1.0\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"GET /api/events HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"Host: localhost\r\n",
    b"Host: evil.example\r\n",
    b"Origin: http://[\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: %d\r\n" % len(BODY),
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: upgrade\r\n",
    b"Connection: close\r\n",
    b"Upgrade: websocket\r\n",
    b"Upgrade: h2c\r\n",
    b"HTTP2-Settings: AAMAAABk\r\n",
    b"Sec-WebSocket-Version: 13\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    b"Expect: 100-continue\r\n",
    b"X: y\n",
    b" folded\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\0\xff",
    b"{}",
    BODY,
]
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    st.lists(st.sampled_from(PIECES), max_size=8).map(
        lambda pieces: PIECES[0] + PIECES[6] + b"".join(pieces)
    ),
    st.lists(st.sampled_from(PIECES), max_size=8).map(
        lambda pieces: PIECES[1] + PIECES[6] + b"".join(pieces)
    ),
)
WORDS = (501, 505)  # of the 5xx, those that say what the client did wrong

some_examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def output_of(pieces: Iterable[bytes], facade: str = "lmstudio") -> bytes:
    """Return all that comes back on a connection on which ``pieces`` were sent."""
    sent: list[bytes] = []

    async def converse() -> None:
        async with open_program(facade=facade) as program:
            client = program.client()
            for piece in pieces:
                await client.send(piece)
                await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(600):  # every wait for a client has an end
                sent.append(await client.until_closed())

    on_virtual_clock(converse)
    return sent[0]


@some_examples
@given(data=BYTES, facade=st.sampled_from(["lmstudio", "ollama", "dashboard"]))
def test_any_bytes_end_in_proper_answers_or_a_close(
    caplog: pytest.LogCaptureFixture, data: bytes, facade: str
) -> None:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        output = output_of([data], facade)
    if b" 101 " not in output:
        statuses = {reply.status for reply in answers(data, output)}
        assert not {status for status in statuses if status >= 500} - set(WORDS)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def answers(data: bytes, output: bytes) -> list[Reply]:
    """Return the answers to ``data``, none of whose requests has HEAD for a method."""
    assert b"HEAD" not in data
    return replies_in(output)


REQUESTS = [
    request_bytes("GET", "/v1/models"),
    request_bytes(body=CHAT, headers={"connection": "close"}),
    request_bytes(body=STREAM),
    request_bytes(body={"model": "unknown"}),
    request_bytes("POST", "/nothing", b"some body"),
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    b"\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2,
    b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
]


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, len(REQUESTS) - 1), cuts=anywhere(400))
def test_an_answer_does_not_depend_on_where_the_request_is_cut(number: int, cuts: set[int]) -> None:
    request = REQUESTS[number]
    whole = replies_in(output_of([request]))
    in_pieces = replies_in(output_of(cut(request, cuts)))
    assert [(reply.status, reply.body) for reply in in_pieces] == (
        [(reply.status, reply.body) for reply in whole]
    )
