"""A runner manager over fake children and memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.seat import Attendant
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from tests.support.fake_child import FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram

SIZE = 6


def spec(name: str, footprint: int = SIZE, slots: int = 8) -> ModelSpec:
    """Return a model of this size, as the manager knows one."""
    return ModelSpec(name, slots, lambda: fake_launch(name, slots=slots), lambda: ram(footprint))


@asynccontextmanager
async def managed(
    spawn: FakeSpawner,
    capacity: int = 10,
    settings: SchedulingConfig | None = None,
    *,
    attendants: Sequence[Attendant] = (),
    memory: FakeMemory | None = None,
) -> AsyncIterator[RunnerManager]:
    """Run a manager with so much memory while the block lasts."""
    events: Broadcaster[Event] = Broadcaster()
    settings = settings or SchedulingConfig()
    memory = memory or FakeMemory(capacity, {name: SIZE for name in "abc"}, spawn)
    async with open_runner_manager(
        memory, spawn, settings, 30, events, attendants=attendants
    ) as manager:
        yield manager


async def use(manager: RunnerManager, model: ModelSpec, seconds: float) -> None:
    """Hold one of a model's slots for a while."""
    with manager.queue(model, "client") as place:
        await place.granted()
        await trio.sleep(seconds)


def steps(spawn: FakeSpawner) -> list[str]:
    """Return what became of the children, in order."""
    return [f"{what} {name}" for _, name, what in spawn.history]
