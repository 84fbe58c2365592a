from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.logs.backlog import Backlog
from llama_runner.logs.drain import PAUSE, RETRY, Drain
from llama_runner.logs.handler import installed
from llama_runner.logs.line import LogLine
from llama_runner.logs.log import FLUSH_WITHIN, open_drains

logger = logging.getLogger("llama_runner.test")


@define(eq=False)
class Spy:
    """A sink that remembers, and that can stall, fail, or take only so many lines."""

    name: str = "spy"
    takes: int = 1000
    failures: int = 0
    stalls: bool = False
    writes: list[tuple[float, list[str]]] = field(factory=list)
    _go_on: trio.Event = field(factory=trio.Event)

    async def write(self, lines: Sequence[LogLine]) -> int:
        await trio.lowlevel.checkpoint()
        if self.stalls:
            await self._go_on.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("no space left")
        taken = [line.text for line in lines[: self.takes]]
        self.writes.append((trio.current_time(), taken))
        return len(taken)

    def go_on(self) -> None:
        self.stalls = False
        self._go_on.set()

    @property
    def texts(self) -> list[str]:
        return [text for _, texts in self.writes for text in texts]


def line(text: str) -> LogLine:
    return LogLine(0.0, "INFO", "llama_runner", text)


async def test_a_line_is_written_at_once_and_those_behind_it_share_a_write(
    autojump_clock: MockClock,
) -> None:
    spy = Spy()
    async with open_drains([spy]) as handler:
        with installed(handler, "INFO"):
            logger.info("a")
            await wait_all_tasks_blocked()
            logger.info("b")
            logger.info("c")
            await trio.sleep(1)
            logger.info("d")
            await wait_all_tasks_blocked()
    start = spy.writes[0][0]
    assert [(when - start, texts) for when, texts in spy.writes] == [
        (0, ["a"]),
        (pytest.approx(PAUSE), ["b", "c"]),
        (1, ["d"]),
    ]


async def test_what_a_sink_leaves_is_offered_again(autojump_clock: MockClock) -> None:
    spy = Spy(takes=2)
    backlog = Backlog()
    for text in "abcde":
        backlog.put(line(text))
    backlog.close()
    await Drain(backlog, spy).run()
    assert [texts for _, texts in spy.writes] == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_sink_that_fails_is_tried_again_and_no_line_is_lost(
    autojump_clock: MockClock,
) -> None:
    spy, other = Spy("the disk", failures=3), Spy()
    async with open_drains([spy, other]) as handler:
        with installed(handler, "INFO"):
            start = trio.current_time()
            logger.info("a")
            await trio.sleep(10)
    told = "log lines cannot be written to the disk for now: no space left"
    assert spy.texts == other.texts == ["a", told]
    assert spy.writes[0][0] - start == 3 * RETRY


async def test_a_stalled_sink_loses_lines_counts_them_and_does_not_hold_up_the_other(
    autojump_clock: MockClock,
) -> None:
    stalled, other = Spy(stalls=True), Spy()
    async with open_drains([stalled, other], room=10 * line("00").size) as handler:
        with installed(handler, "INFO"):
            for number in range(30):
                logger.info("%02d", number)
                await trio.sleep(1)
            assert stalled.texts == []
            assert other.texts == [f"{number:02}" for number in range(30)]
            stalled.go_on()
            await trio.sleep(1)
            logger.info("again")
    # One was in the sink's hands, ten waited.
    kept = [f"{number:02}" for number in range(11)]
    assert stalled.texts == [*kept, "19 log lines were lost", "again"]


async def test_leaving_writes_what_waits(autojump_clock: MockClock) -> None:
    spy = Spy()
    async with open_drains([spy]) as handler:
        with installed(handler, "INFO"):
            logger.info("a")
            await wait_all_tasks_blocked()
            logger.info("b")
            start = trio.current_time()
    assert spy.texts == ["a", "b"]
    assert trio.current_time() == start


async def test_leaving_waits_for_a_stalled_sink_only_so_long(autojump_clock: MockClock) -> None:
    spy, other = Spy(stalls=True), Spy()
    async with open_drains([spy, other]) as handler:
        with installed(handler, "INFO"):
            logger.info("a")
            start = trio.current_time()
    assert trio.current_time() - start == FLUSH_WITHIN
    assert (spy.texts, other.texts) == ([], ["a"])


async def test_leaving_tries_a_failing_sink_once_more_and_then_gives_up(
    autojump_clock: MockClock,
) -> None:
    spy = Spy(failures=1000)
    async with open_drains([spy]) as handler:
        with installed(handler, "INFO"):
            logger.info("a")
            await trio.sleep(0.5)
            start = trio.current_time()
    assert trio.current_time() == start
    assert spy.texts == []


async def test_a_cancelled_block_is_left_at_once_and_its_last_lines_are_written(
    autojump_clock: MockClock,
) -> None:
    spy = Spy()
    with trio.move_on_after(5) as scope:
        async with open_drains([spy]) as handler:
            with installed(handler, "INFO"):
                try:
                    await trio.sleep_forever()
                finally:
                    logger.info("cancelled")
    assert scope.cancelled_caught
    assert spy.texts == ["cancelled"]


async def test_an_error_of_the_block_comes_out_alone_and_after_its_last_line(
    autojump_clock: MockClock,
) -> None:
    spy = Spy()
    with pytest.raises(ZeroDivisionError):
        async with open_drains([spy]) as handler:
            with installed(handler, "INFO"):
                logger.info("before")
                assert 1 / 0
    assert spy.texts == ["before"]
