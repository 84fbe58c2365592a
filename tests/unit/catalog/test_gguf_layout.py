import pytest

from llama_runner.catalog.gguf_cursor import Cursor
from llama_runner.catalog.gguf_layout import layout_of
from tests.support.gguf_reading import drive


@pytest.mark.parametrize(
    ("version", "big_endian", "content"),
    [
        (1, False, b"\x07\0\0\0"),
        (2, False, b"\x07\0\0\0\0\0\0\0"),
        (3, False, b"\x07\0\0\0\0\0\0\0"),
        (3, True, b"\0\0\0\0\0\0\0\x07"),
    ],
)
def test_lengths_are_wide_since_version_two(version, big_endian, content):
    layout = layout_of(version, big_endian=big_endian)
    cursor = Cursor(len(content))
    assert drive(layout.read_length(cursor, "it"), content)[0] == 7
    assert cursor.remaining == 0


def test_numbers_are_read_one_by_one_or_together():
    layout = layout_of(3, big_endian=True)
    content = b"\xff\xfe\0\x01"
    assert drive(layout.read_number(3, Cursor(4), "it"), content)[0] == -2
    assert drive(layout.read_numbers(3, 2, Cursor(4), "it"), content)[0] == (-2, 1)
    assert drive(layout.read_numbers(3, 0, Cursor(0), "it"), b"")[0] == ()
