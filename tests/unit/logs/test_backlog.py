from __future__ import annotations

import trio
from trio.testing import MockClock

from llama_runner.logs.backlog import Backlog
from llama_runner.logs.line import LogLine


def line(text: str = "x") -> LogLine:
    return LogLine(0.0, "INFO", "llama_runner", text)


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


async def test_lines_come_out_in_their_order() -> None:
    backlog = Backlog()
    for text in "abc":
        backlog.put(line(text))
    assert await backlog.filled()
    assert texts(backlog.take()) == ["a", "b", "c"]
    assert backlog.take() == []


async def test_a_full_backlog_turns_lines_away_and_tells_how_many_in_their_place() -> None:
    backlog = Backlog(room=2 * line().size)
    for text in "abcde":
        backlog.put(line(text))
    assert await backlog.filled()
    assert texts(backlog.take()) == ["a", "b", "3 log lines were lost"]
    backlog.put(line("f"))
    assert texts(backlog.take()) == ["f"]


async def test_one_lost_line_is_told_even_when_nothing_else_waits() -> None:
    backlog = Backlog(room=0)
    backlog.put(line())
    assert await backlog.filled()
    assert texts(backlog.take()) == ["1 log line was lost"]


async def test_a_waiting_task_is_woken_from_another_thread(autojump_clock: MockClock) -> None:
    backlog = Backlog()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, backlog.put, line("from afar"))
        assert await backlog.filled()
        assert texts(backlog.take()) == ["from afar"]


async def test_no_line_of_several_threads_is_lost_or_counted_twice() -> None:
    backlog = Backlog(room=500 * line().size)
    taken: list[str] = []

    def put_many() -> None:
        for _ in range(1000):
            backlog.put(line())

    async def take_all() -> None:
        while await backlog.filled():
            taken.extend(texts(backlog.take()))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_all)
        async with trio.open_nursery() as putting:
            for _ in range(4):
                putting.start_soon(trio.to_thread.run_sync, put_many)
        backlog.close()
    lost = sum(int(text.split()[0]) for text in taken if text != "x")
    assert taken.count("x") + lost == 4000


async def test_a_closed_backlog_still_gives_what_waits_and_then_ends() -> None:
    backlog = Backlog()
    backlog.put(line())
    backlog.close()
    assert await backlog.filled()
    backlog.take()
    assert not await backlog.filled()


async def test_closing_wakes_who_waits_or_rests(autojump_clock: MockClock) -> None:
    backlog = Backlog()
    found: list[bool] = []

    async def wait() -> None:
        found.append(await backlog.filled())

    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(backlog.rest, 1000.0)
        await trio.sleep(1)
        backlog.close()
    assert found == [False]
    assert trio.current_time() - start == 1


async def test_rest_ends_by_itself(autojump_clock: MockClock) -> None:
    start = trio.current_time()
    await Backlog().rest(5)
    assert trio.current_time() - start == 5


def test_a_line_put_after_the_run_has_ended_does_not_raise() -> None:
    async def make() -> Backlog:
        await trio.lowlevel.checkpoint()
        return Backlog()

    backlog = trio.run(make)
    backlog.put(line())
    assert texts(backlog.take()) == ["x"]
