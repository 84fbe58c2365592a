from __future__ import annotations

from itertools import pairwise

import trio
from attrs import define, field
from trio.testing import MockClock

from llama_runner.errors import RunnerLost
from llama_runner.lending.slot_watch import seen_idle
from llama_runner.runner.child import Slot
from llama_runner.runner.log_tail import LogTail
from tests.support.fake_child import Behaviour, FakeChild, FakeControl, fake_launch

RELEASE = b"slot      release: id  0 | task 7 | stop processing: n_tokens = 96, truncated = 0\n"
BOUND = 30.0


@define(eq=False)
class Watched(FakeControl):
    """Notes when it was asked."""

    asked: list[float] = field(factory=list, init=False)

    async def slots(self) -> tuple[Slot, ...]:
        self.asked.append(trio.current_time())
        return await super().slots()


def _control() -> Watched:
    control = Watched(FakeChild(fake_launch(), Behaviour()))
    control.busy = {0}
    return control


async def test_the_engine_is_left_alone_until_its_log_tells_of_a_release(
    autojump_clock: MockClock,
) -> None:
    control, tail = _control(), LogTail()

    async def release() -> None:
        await trio.sleep(0.3)
        tail.append(b"slot update_slots: id  0 | task 7 | prompt processing progress\n")
        await trio.sleep(0.2)
        control.busy = set()
        tail.append(RELEASE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(release)
        assert await seen_idle(control, tail, lambda: 0, BOUND) == 0.5
    assert control.asked == [0.05, 0.5]


async def test_a_release_of_somebody_else_ends_nothing(autojump_clock: MockClock) -> None:
    control, tail = _control(), LogTail()
    control.busy = {0, 1}

    async def release() -> None:
        await trio.sleep(0.2)
        control.busy = {0}
        tail.append(RELEASE)
        await trio.sleep(0.2)
        control.busy = set()
        tail.append(RELEASE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(release)
        assert await seen_idle(control, tail, lambda: 0, BOUND) == 0.4


async def test_an_engine_that_logs_no_release_is_asked_seldom(autojump_clock: MockClock) -> None:
    control = _control()
    assert await seen_idle(control, LogTail(), lambda: 0, 4.0) is None
    pauses = [after - before for before, after in pairwise(control.asked)]
    # More than the second after which the engine looks for its client by itself.
    assert pauses and min(pauses) > 1.1


async def test_a_child_that_cannot_be_asked_holds_no_slot(autojump_clock: MockClock) -> None:
    class Lost(FakeControl):
        async def slots(self) -> tuple[Slot, ...]:
            raise RunnerLost("it has ended")

    control = Lost(FakeChild(fake_launch(), Behaviour()))
    assert await seen_idle(control, LogTail(), lambda: 0, BOUND) == 0.05
