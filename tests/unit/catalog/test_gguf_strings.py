import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.catalog.gguf_cursor import Cursor, GGUFError
from llama_runner.catalog.gguf_layout import layout_of
from llama_runner.catalog.gguf_strings import leap, walk
from tests.support.gguf_reading import drive
from tests.support.gguf_writer import Writer

_WIDE = layout_of(3, big_endian=False)


@given(
    st.lists(st.sampled_from([b"", b"a", b"\0" * 9, b"word", b"x" * 127, b"y" * 128, b"z" * 700])),
    st.integers(1, 300),
    st.sampled_from([(1, "<"), (3, "<"), (3, ">")]),
    st.integers(8, 5000),
)
def test_walking_ends_exactly_behind_the_last_string(some, times, form, longest):
    version, order = form
    writer = Writer(version, order)
    strings = some * times
    content = b"".join(map(writer.string, strings)) + b"the rest"
    cursor = Cursor(len(content))
    layout = layout_of(version, big_endian=order == ">")
    drive(walk(cursor, layout, len(strings)), content, lambda piece: piece[:longest])
    assert cursor.remaining == len(b"the rest")


def test_walking_refuses_a_string_that_leads_beyond_the_file():
    content = Writer().string("a") + Writer().length(2**63)
    with pytest.raises(GGUFError, match="a string"):
        drive(walk(Cursor(len(content)), _WIDE, 2), content)


def test_walking_refuses_more_strings_than_there_are():
    content = Writer().string("a") * 300
    with pytest.raises(GGUFError, match="a string's length"):
        drive(walk(Cursor(len(content)), _WIDE, 301), content)


@pytest.mark.parametrize("key", ["tokenizer.ggml.merges", "general.file_type"])
@pytest.mark.parametrize("longest", [1, 7, 1_000_000])
def test_a_leap_lands_on_the_key_behind_the_strings(key, longest):
    strings = Writer().string("tokenizer.") + Writer().string("gen") * 50
    content = strings + Writer().string(key) + Writer().value(7)
    cursor = Cursor(len(content))
    landed, _ = drive(leap(cursor, _WIDE, 51), content, lambda piece: piece[:longest])
    assert landed
    assert cursor.leapt
    assert cursor.position == len(strings)


@pytest.mark.parametrize(
    "behind",
    [
        b"",
        b"tokenizer.ggml.merges",
        Writer().string("tokenizer.ggml.merges") + b"\x0d\0\0\0",
        Writer().string("tokenizer.Not a key") + b"\0\0\0\0",
        Writer().string("tokenizer.ggml.merges"),
    ],
)
def test_a_leap_tells_when_nothing_like_a_key_follows(behind):
    content = Writer().string("word") * 50 + behind
    landed, _ = drive(leap(Cursor(len(content)), _WIDE, 50), content)
    assert not landed


def test_a_leap_does_not_search_the_weights():
    content = Writer().string("word") * 2000 + bytes(3_000_000)
    landed, asked = drive(leap(Cursor(len(content)), _WIDE, 2000), content)
    assert not landed
    assert sum(span.size for span in asked) < 300_000
