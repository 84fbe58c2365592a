from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from llama_runner.facades.openai.dialect import OpenAIDialect
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.heartbeat import Heartbeat
from llama_runner.relay.pulse import Pulse, open_pulse

AFTER, EVERY = 1.0, 5.0


@define(eq=False)
class Listener:
    """A client's answer that notes when something was written."""

    started: bool = False
    client_name: str = ""
    interruption: trio.CancelScope = field(factory=trio.CancelScope)
    left_at: float | None = None
    heard: list[tuple[float, bytes]] = field(factory=list)

    def say(self, name: bytes, value: bytes) -> None: ...

    async def whole(self, *_: object, **__: object) -> None: ...

    def stream(
        self, status: int, content_type: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        assert not self.started
        self.started = True

    async def write(self, data: bytes) -> None:
        self.write_at_once(data)

    def write_at_once(self, data: bytes) -> None:
        self.heard.append((trio.current_time(), data))

    async def finish(self, data: bytes = b"") -> None: ...

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.heard]


def _beat(pulse: Pulse, listener: Listener) -> Heartbeat:
    beat = Heartbeat(listener, OpenAIDialect(), trio.current_time() + AFTER)
    pulse.add(beat)
    return beat


async def test_a_beat_comes_after_a_second_and_then_at_its_pace(autojump_clock: MockClock) -> None:
    listener = Listener()
    async with open_pulse(AFTER, EVERY) as pulse:
        began = trio.current_time()
        beat = _beat(pulse, listener)
        await beat.until(partial(trio.sleep, 12))
    assert [at - began for at in listener.times] == [1, 6, 11]


async def test_who_comes_while_others_wait_is_beaten_for_in_time(autojump_clock: MockClock) -> None:
    listeners = [Listener() for _ in range(4)]
    began: list[float] = []

    async def client(pulse: Pulse, listener: Listener, at: float) -> None:
        await trio.sleep(at)
        began.append(trio.current_time())
        await _beat(pulse, listener).until(partial(trio.sleep, 7))

    async with open_pulse(AFTER, EVERY) as pulse, trio.open_nursery() as nursery:
        for number, listener in enumerate(listeners):
            nursery.start_soon(client, pulse, listener, number * 1.3)
    for start, listener in zip(began, listeners, strict=True):
        assert [at - start for at in listener.times] == pytest.approx([1, 6])


async def test_between_waits_nothing_is_said(autojump_clock: MockClock) -> None:
    listener = Listener()
    async with open_pulse(AFTER, EVERY) as pulse:
        beat = _beat(pulse, listener)
        await beat.until(partial(trio.sleep, 0.5))
        await trio.sleep(20)  # as while a piece is being written
    assert not listener.heard and not listener.started


async def test_one_whose_answer_has_come_is_left_alone(autojump_clock: MockClock) -> None:
    listener = Listener()
    async with open_pulse(AFTER, EVERY) as pulse:
        beat = _beat(pulse, listener)
        beat.end()
        await beat.until(partial(trio.sleep, 20))
        pulse.remove(beat)
    assert not listener.heard


async def test_it_tells_what_is_waited_for_at_that_moment(autojump_clock: MockClock) -> None:
    listener = Listener()
    async with open_pulse(AFTER, EVERY) as pulse:
        beat = _beat(pulse, listener)
        beat.about(lambda: Waiting(processed=round(trio.current_time()), total=100))
        await beat.until(partial(trio.sleep, 6.5))
    assert listener.started
    assert [data.startswith(b": prompt ") for _, data in listener.heard] == [True, True]
    assert listener.heard[0][1] != listener.heard[1][1]


async def test_with_nobody_to_beat_for_it_rests(autojump_clock: MockClock) -> None:
    async with open_pulse(AFTER, EVERY) as pulse:
        pulse.remove(_beat(pulse, Listener()))
        began = trio.current_time()
        await trio.sleep(1000)
        # It would have woken a thousand times, had it a timer of its own.
        statistics = trio.lowlevel.current_statistics()
        assert statistics.seconds_to_next_deadline == float("inf")
        assert trio.current_time() - began == 1000
