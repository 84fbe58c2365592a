"""A runner manager over fake children, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from llama_runner.config.app import SchedulingConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from tests.support.fake_child import FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram

SIZE = 6


def spec(name: str, footprint: int = SIZE, slots: int = 8) -> ModelSpec:
    return ModelSpec(name, slots, lambda: fake_launch(name, slots=slots), lambda: ram(footprint))


@asynccontextmanager
async def managed(
    spawn: FakeSpawner, capacity: int = 10, settings: SchedulingConfig | None = None
) -> AsyncIterator[RunnerManager]:
    events: Broadcaster[Event] = Broadcaster()
    settings = settings or SchedulingConfig()
    memory = FakeMemory(capacity, {name: SIZE for name in "abc"}, spawn)
    async with open_runner_manager(memory, spawn, settings, 30, events) as manager:
        yield manager


async def use(manager: RunnerManager, model: ModelSpec, seconds: float) -> None:
    with manager.queue(model, "client") as place:
        await place.granted()
        await trio.sleep(seconds)


def steps(spawn: FakeSpawner) -> list[str]:
    return [f"{what} {name}" for _, name, what in spawn.history]
