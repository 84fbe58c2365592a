from __future__ import annotations

import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from llama_runner.runner.log_tail import LONGEST_LINE, Lines, LogTail


def test_lines_come_back_as_text():
    tail = LogTail()
    tail.append(b"one\r\ntwo\n")
    tail.append("dr\u00e9i\n".encode())

    assert tail.since(0) == Lines(("one", "two", "dr\u00e9i"), lost=0, end=3)
    assert tail.last(2) == ("two", "dr\u00e9i")
    assert tail.last(99) == ("one", "two", "dr\u00e9i")


def test_invalid_utf8_is_replaced():
    tail = LogTail()
    tail.append(b"a\xff\xfeb\n")

    assert tail.last(1) == ("a\ufffd\ufffdb",)


def test_an_overlong_line_is_cut_and_says_so():
    tail = LogTail()
    tail.append(b"x" * (LONGEST_LINE + 5) + b"\n")

    assert tail.last(1) == ("x" * LONGEST_LINE + " … (5 more bytes)",)


def test_who_comes_late_is_told_how_many_lines_are_lost():
    tail = LogTail(capacity=10)
    for number in range(10):
        tail.append(f"{number:03}\n".encode())

    assert tail.since(0) == Lines(("008", "009"), lost=8, end=10)
    assert tail.since(9) == Lines(("009",), lost=0, end=10)
    assert tail.since(10) == Lines((), lost=0, end=10)


def test_nothing_appended_is_nothing():
    tail = LogTail()
    tail.append(b"")

    assert tail.since(0) == Lines((), lost=0, end=0)


@given(st.lists(st.integers(1, 30)), st.integers(1, 100))
def test_memory_is_bounded_and_every_line_is_kept_or_counted(sizes, capacity):
    tail = LogTail(capacity=capacity)
    for size in sizes:
        tail.append(b"x" * (size - 1) + b"\n")

    taken = tail.since(0)

    assert taken.lost + len(taken.lines) == len(sizes) == taken.end
    kept = [len(line) + 1 for line in taken.lines]
    assert kept == sizes[taken.lost :]
    assert sum(kept[1:]) <= capacity


async def test_a_taker_waits_for_the_next_line(autojump_clock):
    tail = LogTail()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tail.more_than, 1)
        await wait_all_tasks_blocked()
        tail.append(b"one\n")
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        tail.append(b"two\n")
    assert tail.end == 2
