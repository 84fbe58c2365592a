from __future__ import annotations

import h11
import pytest
from hypothesis import given, strategies as st

from llama_runner.wire.chunked import ChunkedDecoder
from llama_runner.wire.framing import FramingError
from tests.support.cuts import anywhere, cut

BODY = b"5\r\nhello\r\n0006\r\n world\r\n1A\r\n" + b"x" * 24 + b"\r\n" + b"\r\n00\r\n\r\n"
PAYLOAD = b"hello world" + b"x" * 24 + b"\r\n"


def encode(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def decode(chunks: list[bytes]) -> bytes:
    decoder = ChunkedDecoder()
    return b"".join(decoder.feed(chunk) for chunk in chunks)


@given(anywhere(len(BODY)))
def test_the_payload_does_not_depend_on_where_the_bytes_are_cut(cuts: set[int]) -> None:
    decoder = ChunkedDecoder()
    payload = b"".join(decoder.feed(chunk) for chunk in cut(BODY, cuts))
    assert payload == PAYLOAD
    assert decoder.finished
    assert decoder.leftover == b""


@given(st.lists(st.binary(min_size=1)), anywhere(200), st.binary(max_size=20))
def test_what_was_encoded_comes_back_and_the_rest_is_left(
    pieces: list[bytes], cuts: set[int], behind: bytes
) -> None:
    decoder = ChunkedDecoder()
    *before, last = cut(encode(pieces), cuts)
    payload = b"".join(decoder.feed(chunk) for chunk in [*before, last + behind])
    assert payload == b"".join(pieces)
    assert decoder.finished
    assert decoder.leftover == behind


def test_payload_is_handed_on_before_its_chunk_is_whole() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"ff\r\nabc") == b"abc"
    assert decoder.feed(b"def") == b"def"
    assert not decoder.finished


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n",
        b" 5\r\nhello\r\n",
        b"5 \r\nhello\r\n",
        b"+5\r\nhello\r\n",
        b"0x5\r\nhello\r\n",
        b"1_0\r\n",
        b"-1\r\n",
        b"g\r\n",
        b"000000005\r\nhello\r\n",
        b"5;name=value\r\nhello\r\n",
        b"5\nhello\n",
        b"5\rhello",
        b"5\r\nhello!\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"0\r\nTrailer: value\r\n\r\n",
        b"0\r\n\rx",
    ],
)
@given(cuts=anywhere(20))
def test_what_is_no_chunked_body_is_refused_however_it_is_cut(body: bytes, cuts: set[int]) -> None:
    with pytest.raises(FramingError):
        decode(cut(body, cuts))


def test_feeding_behind_the_end_is_refused() -> None:
    decoder = ChunkedDecoder()
    decoder.feed(b"0\r\n\r\n")
    with pytest.raises(FramingError):
        decoder.feed(b"0")


@given(st.lists(st.text("05aG\r\n ;").map(str.encode) | st.binary(), max_size=20))
def test_no_bytes_raise_anything_but_a_framing_error(chunks: list[bytes]) -> None:
    decoder = ChunkedDecoder()
    fed, payload = 0, 0
    try:
        for chunk in chunks:
            if decoder.finished:
                break
            fed += len(chunk)
            payload += len(decoder.feed(chunk))
    except FramingError:
        pass
    assert payload <= fed


PIECES = [
    b"5\r\nhello\r\n",
    b"0\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"1\r\n",
    b"0",
    b"5",
    b"a" * 10,
    b";x",
    b" ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=10))
def test_what_is_taken_h11_would_read_in_the_same_way(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    decoder = ChunkedDecoder()
    try:
        payload = decoder.feed(body)
    except FramingError:
        return
    other = h11.Connection(h11.SERVER)
    other.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    events = []
    while isinstance(event := other.next_event(), h11.Event):
        events.append(event)
    data = [bytes(event.data) for event in events if isinstance(event, h11.Data)]
    assert b"".join(data) == payload
    assert isinstance(events[-1], h11.EndOfMessage) is decoder.finished
    if decoder.finished:
        assert other.trailing_data[0] == decoder.leftover
