from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from llama_runner.wire.framing import FramingError
from llama_runner.wire.sse import ServerSentEvent, SSEDecoder
from tests.support.cuts import anywhere, cut

STREAM = (
    "\ufeffevent: token\r\ndata: né\r\n\r\n: keep-alive\n\ndata: a\ndata:b\nid: 7\n\n\n"
    "data\r\revent: lost\n\nretry: 3\nevent:error\ndata: {}\n\ndata: [DONE]\n\n"
).encode()
EVENTS = [
    ServerSentEvent("né".encode(), "token"),
    ServerSentEvent(b"a\nb"),
    ServerSentEvent(b""),
    ServerSentEvent(b"{}", "error"),
    ServerSentEvent(b"[DONE]"),
]
PIECES = [b"data: x", b"data", b":", b"\n", b"\r", b"\r\n", b"event: e", b" ", b"\n\n", b"\xff"]


def decode(chunks: list[bytes]) -> list[ServerSentEvent]:
    decoder = SSEDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


@given(anywhere(len(STREAM)))
def test_events_do_not_depend_on_where_the_bytes_are_cut(cuts: set[int]) -> None:
    assert decode(cut(STREAM, cuts)) == EVENTS


@given(st.lists(st.sampled_from(PIECES)), anywhere(60))
def test_odd_line_ends_do_not_depend_on_where_the_bytes_are_cut(
    pieces: list[bytes], cuts: set[int]
) -> None:
    stream = b"".join(pieces)
    assert decode(cut(stream, cuts)) == decode([stream])


def read_as_the_specification_says(stream: str) -> list[ServerSentEvent]:
    """Return the events, line by line (WHATWG HTML, 9.2.6)."""
    events, data, kind = [], "", ""
    for line in re.split("\r\n|\n|\r", stream)[:-1]:
        name, _, value = line.partition(":")
        if not line:
            if data:
                events.append(ServerSentEvent(data[:-1].encode(), kind or "message"))
            data, kind = "", ""
        elif name == "data":
            data += value.removeprefix(" ") + "\n"
        elif name == "event":
            kind = value.removeprefix(" ")
    return events


@given(st.lists(st.sampled_from([piece for piece in PIECES if piece != b"\xff"])), anywhere(60))
def test_a_stream_is_read_as_the_specification_says(pieces: list[bytes], cuts: set[int]) -> None:
    stream = b"".join(pieces)
    assert decode(cut(stream, cuts)) == read_as_the_specification_says(stream.decode())


@given(st.lists(st.binary(), max_size=20))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    decode(chunks)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_each_line_end_of_the_specification_ends_a_line(end: bytes) -> None:
    stream = end.join([b"event: a", b"data: 1", b"data: 2", b"", b""])
    assert decode([stream]) == [ServerSentEvent(b"1\n2", "a")]


def test_a_lone_carriage_return_ends_an_event_without_waiting_for_more() -> None:
    assert decode([b"data: now\r\r"]) == [ServerSentEvent(b"now")]


def test_one_space_behind_the_colon_is_dropped_and_no_more() -> None:
    assert decode([b"data:  two\n\n"]) == [ServerSentEvent(b" two")]


def test_only_the_first_mark_of_byte_order_is_dropped() -> None:
    mark = b"\xef\xbb\xbf"
    assert decode([mark[:1], mark[1:], b"data: 1\n\n" + mark + b"data: 2\n\n"]) == [
        ServerSentEvent(b"1")
    ]


def test_an_event_without_its_blank_line_is_not_told() -> None:
    assert decode([b"data: half\n"]) == []


@given(anywhere(40), st.booleans())
def test_an_event_beyond_the_limit_is_refused_however_it_is_cut(
    cuts: set[int], complete: bool
) -> None:
    decoder = SSEDecoder(16)
    stream = b"data: " + b"x" * 11 + (b"\n\n" if complete else b"\n")
    with pytest.raises(FramingError, match="larger than 16 bytes"):
        for chunk in cut(stream, cuts):
            decoder.feed(chunk)


@given(anywhere(40))
def test_an_event_of_just_the_limit_is_told_however_it_is_cut(cuts: set[int]) -> None:
    decoder = SSEDecoder(16)
    stream = b"data: " + b"x" * 10 + b"\n\n"
    events = [event for chunk in cut(stream, cuts) for event in decoder.feed(chunk)]
    assert events == [ServerSentEvent(b"x" * 10)]
