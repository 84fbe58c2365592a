from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from llama_runner.relay.whole_events import WholeEvents
from tests.support.cuts import anywhere, cut

STREAM = b"data: a\n\ndata: b\r\n\r\n: c\n\n\ndata: d\n\n"


@given(anywhere(len(STREAM)))
def test_every_piece_is_whole_events_and_none_is_lost(cuts: set[int]) -> None:
    codec = WholeEvents()
    pieces = [codec.feed(chunk) for chunk in cut(STREAM, cuts)]
    assert b"".join(pieces) == STREAM
    assert all(piece.endswith((b"\n\n", b"\n\r\n")) for piece in pieces if piece)


@given(st.lists(st.binary() | st.sampled_from([b"\n", b"\r\n", b"data: x"]), max_size=20))
def test_no_bytes_are_invented_or_lost(chunks: list[bytes]) -> None:
    codec = WholeEvents()
    out = b"".join(codec.feed(chunk) for chunk in [*chunks, b"\n\n"])
    assert out == b"".join([*chunks, b"\n\n"])


def test_what_an_engine_writes_at_once_is_not_held() -> None:
    codec = WholeEvents()
    assert codec.feed(b"data: a\n\n") == b"data: a\n\n"
    assert codec.feed(b"data: b\n\ndata: hal") == b"data: b\n\n"
    assert codec.feed(b"") == b""
    assert codec.feed(b"f\n\n") == b"data: half\n\n"


@pytest.mark.parametrize("size", [1, 65536])
def test_what_never_becomes_an_event_is_not_held_for_ever(size: int) -> None:
    codec = WholeEvents()
    codec.feed(b"x" * 1024 * 1024)
    assert codec.feed(b"x" * size) == b"x" * (1024 * 1024 + size)
    assert codec.feed(b"data: a\n\n") == b"data: a\n\n"
