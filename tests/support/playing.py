"""Plays a thrash trace against a manager over fake children, on the virtual clock."""

from __future__ import annotations

from collections.abc import Sequence

import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from tests.support.fake_child import Behaviour, FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram
from tests.support.thrash import MODELS, Ask

SIZE = 6
ROOM = 10
"""Enough for one model."""


@frozen
class Times:
    """Seconds that things take."""

    load: float
    stop: float
    answer: float


@define(eq=False)
class Played:
    """What came of a trace."""

    loads: int = 0
    waits: list[float] = field(factory=list)


def spec_of(model: str) -> ModelSpec:
    """Return what the manager must know of a model of the trace."""
    return ModelSpec(model, 1, lambda: fake_launch(model), lambda: ram(SIZE))


def play(asked: Sequence[Ask], times: Times, settings: SchedulingConfig) -> Played:
    """Play a trace to its end."""
    played = Played()
    spawn = FakeSpawner(Behaviour(loads_for=times.load, stop_takes=times.stop))

    async def visit(manager: RunnerManager, ask: Ask, began: float) -> None:
        await trio.sleep_until(began + ask.at)
        with manager.queue(spec_of(ask.model), ask.client) as place:
            await place.granted()
            played.waits.append(trio.current_time() - began - ask.at)
            await trio.sleep(times.answer)

    async def play_all() -> None:
        memory = FakeMemory(ROOM, dict.fromkeys(MODELS, SIZE), spawn)
        async with open_runner_manager(memory, spawn, settings, 30, Broadcaster()) as manager:
            async with trio.open_nursery() as nursery:
                began = trio.current_time()
                for ask in asked:
                    nursery.start_soon(visit, manager, ask, began)

    trio.run(play_all, clock=MockClock(autojump_threshold=0))
    played.loads = len(spawn.children)
    return played
