from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from llama_runner.http.answer import Answer
from llama_runner.http.client import Client
from tests.support.front_door import on_virtual_clock, parse_reply
from tests.support.http_client import Reply
from tests.support.memory_network import socket_pair

PIECES = st.lists(st.binary(min_size=1, max_size=300), max_size=8)
EXTRA = ((b"vary", b"Origin"),)


def written_by(answer: Answer, pieces: list[bytes], last: bytes) -> bytes:
    """Return the bytes of a streamed answer."""
    sent = bytearray()

    async def write() -> None:
        ours, theirs = socket_pair()
        with ours, theirs:
            answer.client.sock = ours
            answer.stream(200, "text/event-stream", [(b"x-piece", b"1")])
            for piece in pieces:
                await answer.write(piece)
                sent.extend(theirs.recv(65536))
            await answer.finish(last)
            sent.extend(received(theirs))

    on_virtual_clock(write)
    return bytes(sent)


def received(sock: object) -> bytes:
    """Return what waits in the socket, be it nothing."""
    try:
        return sock.recv(65536)  # type: ignore[attr-defined, no-any-return]
    except BlockingIOError:
        return b""


def an_answer(*, keeps_alive: bool = True, chunked: bool = True) -> Answer:
    client = Client(None, 65536, 30.0)  # type: ignore[arg-type]
    return Answer(client, keeps_alive, chunked, EXTRA)


def parsed(data: bytes, method: str = "POST", *, ended: bool = False) -> Reply:
    result = parse_reply(data, method, ended=ended)
    assert result is not None
    reply, rest = result
    assert rest == b""
    return reply


@given(PIECES, st.binary(max_size=100))
def test_a_stream_is_one_whole_chunked_answer(pieces: list[bytes], last: bytes) -> None:
    answer = an_answer()
    reply = parsed(written_by(answer, pieces, last))
    assert reply.body == b"".join(pieces) + last
    assert reply.headers["transfer-encoding"] == "chunked"
    assert (reply.headers["vary"], reply.headers["x-piece"]) == ("Origin", "1")
    assert "connection" not in reply.headers
    assert answer.finished
    assert answer.keeps_alive


@given(PIECES, st.binary(max_size=100))
def test_a_stream_to_an_older_client_ends_with_its_connection(
    pieces: list[bytes], last: bytes
) -> None:
    answer = an_answer(chunked=False)
    reply = parsed(written_by(answer, pieces, last), ended=True)
    assert reply.body == b"".join(pieces) + last
    assert reply.headers["connection"] == "close"
    assert "transfer-encoding" not in reply.headers
    assert not answer.keeps_alive


def written_whole(answer: Answer, status: int, body: bytes) -> bytes:
    """Return the bytes of an answer given at once."""
    sent = bytearray()

    async def write() -> None:
        ours, theirs = socket_pair()
        with ours, theirs:
            answer.client.sock = ours
            await answer.whole(status, "application/json", body)
            sent.extend(theirs.recv(65536))

    on_virtual_clock(write)
    return bytes(sent)


@given(st.sampled_from([200, 400, 404, 413, 431, 503, 599]), st.binary(max_size=1000))
def test_a_whole_answer_is_read_back(status: int, body: bytes) -> None:
    reply = parsed(written_whole(an_answer(), status, body))
    assert (reply.status, reply.body) == (status, body)
    assert reply.headers["content-length"] == str(len(body))


@pytest.mark.parametrize("keeps_alive", [True, False])
def test_the_client_is_told_whether_the_connection_stays(keeps_alive: bool) -> None:
    reply = parsed(written_whole(an_answer(keeps_alive=keeps_alive), 200, b"{}"))
    assert ("connection" in reply.headers) is not keeps_alive


def test_an_answer_to_head_has_the_length_of_a_body_that_does_not_come() -> None:
    answer = an_answer()
    answer.omits_body = True
    data = written_whole(answer, 403, b"{}")
    assert data.endswith(b"\r\n\r\n")
    assert parsed(data, "HEAD").headers["content-length"] == "2"


def test_an_answer_without_content_has_no_length() -> None:
    assert b"content-length" not in written_whole(an_answer(), 204, b"")


def test_h11_takes_two_answers_on_one_connection_apart() -> None:
    data = written_by(an_answer(), [b"one"], b"") + written_whole(an_answer(), 200, b"two")
    first = parse_reply(data, "POST", ended=False)
    assert first is not None
    assert first[0].body == b"one"
    assert parsed(first[1]).body == b"two"
