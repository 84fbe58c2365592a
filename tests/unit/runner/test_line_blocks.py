from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llama_runner.runner.line_blocks import LONGEST_PENDING, LineBlocks
from tests.support.cuts import anywhere, cut


@given(st.binary(max_size=200), anywhere(200))
def test_whole_lines_come_out_wherever_the_bytes_are_cut(stream, places):
    lines = LineBlocks()

    blocks = [lines.feed(piece) for piece in cut(stream, places)]

    assert all(block.endswith(b"\n") for block in blocks if block)
    end = b"\n" if stream and not stream.endswith(b"\n") else b""
    assert b"".join(blocks) + lines.end() == stream + end


def test_a_line_without_end_is_broken_before_it_fills_the_memory():
    lines = LineBlocks()
    out = b""
    for _ in range(100):
        out += lines.feed(b"x" * 4096)

    assert out.count(b"\n") == 100 * 4096 // (LONGEST_PENDING + 4096)
    assert len(lines.end()) <= LONGEST_PENDING + 1


def test_nothing_is_left_after_the_end():
    lines = LineBlocks()
    lines.feed(b"half")

    assert lines.end() == b"half\n"
    assert lines.end() == b""
