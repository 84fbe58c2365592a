"""Work on the disk: one piece after the other, and none is waited for too long."""

from __future__ import annotations

import threading

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.concurrency.disk import WRITTEN_WITHIN, Disk

PATIENCE = 60


@define(eq=False)
class Writing:
    """Pieces of work that note what they do; the first one lasts until it may end."""

    done: list[str] = field(factory=list)
    may_end: threading.Event = field(factory=threading.Event)

    def slow(self) -> None:
        self.done.append("slow begins")
        self.may_end.wait(PATIENCE)
        self.done.append("slow ends")

    def quick(self) -> None:
        self.done.append("quick")


async def test_one_piece_is_done_after_the_other() -> None:
    disk, writing = Disk(), Writing()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(disk.do, writing.slow)
            await wait_all_tasks_blocked()
            nursery.start_soon(disk.keep, writing.quick)
            await wait_all_tasks_blocked()
            writing.may_end.set()
    assert writing.done == ["slow begins", "slow ends", "quick"]


async def test_what_lasts_too_long_is_not_waited_for_and_not_overtaken(
    autojump_clock: MockClock,
) -> None:
    disk, writing = Disk(), Writing()
    await disk.keep(writing.slow)
    await disk.keep(writing.quick)
    assert trio.current_time() == pytest.approx(2 * WRITTEN_WITHIN)
    autojump_clock.autojump_threshold = float("inf")
    writing.may_end.set()
    await disk.do(writing.quick)
    assert writing.done == ["slow begins", "slow ends", "quick"]


async def test_what_a_piece_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await Disk().keep(lambda: 1 // 0)
