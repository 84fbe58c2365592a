from __future__ import annotations

import logging

import trio

from llama_runner.runner.log_forwarder import LogForwarder
from llama_runner.runner.log_tail import LogTail


async def test_a_flood_costs_lines_and_not_time(autojump_clock, caplog):
    tail = LogTail(capacity=100)
    with caplog.at_level(logging.DEBUG, "llama_runner.engine"), trio.move_on_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(LogForwarder("smol", tail).run)
            for number in range(1000):
                tail.append(f"line {number:04}\n".encode())
            await trio.sleep_forever()

    assert [record.message for record in caplog.records] == [
        "smol: 990 lines of its log were lost",
        *(f"smol: line {number:04}" for number in range(990, 1000)),
    ]


def test_what_nobody_wants_is_not_even_decoded(caplog):
    tail = LogTail()
    forwarder = LogForwarder("smol", tail)
    tail.append(b"unseen\n")
    with caplog.at_level(logging.INFO, "llama_runner.engine"):
        forwarder.forward()
    with caplog.at_level(logging.DEBUG, "llama_runner.engine"):
        forwarder.forward()

    assert not caplog.records


def test_only_what_comes_after_its_start_is_forwarded(caplog):
    tail = LogTail()
    tail.append(b"of the child before\n")
    forwarder = LogForwarder("smol", tail)
    tail.append(b"of this one\n")
    with caplog.at_level(logging.DEBUG, "llama_runner.engine"):
        forwarder.forward()

    assert [record.message for record in caplog.records] == ["smol: of this one"]
