import pytest

from llama_runner.catalog import gguf_cursor
from llama_runner.catalog.gguf_cursor import Cursor, GGUFError, Span
from tests.support.gguf_reading import drive


def test_bytes_are_taken_in_order_whatever_each_answer_brings():
    content = bytes(range(200))
    cursor = Cursor(len(content))
    taken = [
        drive(cursor.take(count, "it"), content, lambda piece: piece[:7])[0]
        for count in (3, 50, 0, 147)
    ]
    assert b"".join(taken) == content
    assert (cursor.position, cursor.remaining) == (200, 0)


def test_what_is_skipped_is_never_asked_for():
    content = bytes(1_000_000)
    cursor = Cursor(len(content))
    drive(cursor.take(4, "it"), content)
    cursor.skip(900_000, "it")
    _, asked = drive(cursor.take(4, "it"), content)
    assert asked == [Span(900_004, gguf_cursor.WINDOW)]


def test_no_span_reaches_beyond_the_file():
    _, asked = drive(Cursor(100).take(1, "it"), bytes(100))
    assert asked == [Span(0, 100)]


@pytest.mark.parametrize("step", ["need", "take", "skip"])
def test_what_the_file_cannot_hold_is_refused_before_it_is_asked_for(step):
    cursor = Cursor(100)
    with pytest.raises(GGUFError, match="the key at byte 0 needs 101 bytes, but only 100 are left"):
        reading = getattr(cursor, step)(101, "the key")
        next(reading)


def test_a_header_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(gguf_cursor, "LONGEST_HEADER", 150_000)
    content = bytes(1_000_000)
    cursor = Cursor(len(content))
    drive(cursor.take(100_000, "it"), content)
    with pytest.raises(GGUFError, match="longer than 150000 bytes"):
        drive(cursor.take(100_000, "it"), content)
