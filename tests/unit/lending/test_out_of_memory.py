"""What is tried for a model that runs out of memory as it loads."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from llama_runner.errors import OutOfMemory
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.runner_manager import RunnerManager
from tests.support.fake_child import Behaviour, FakeSpawner, fake_launch
from tests.support.fake_memory import ram
from tests.support.manager import SIZE, managed, spec, steps, use

OUT_OF_MEMORY = Behaviour(
    loads_for=30, exits_after=1, exit_code=1, prints=("failed to allocate buffer for kv cache",)
)


async def test_a_model_that_runs_out_of_memory_is_tried_again_without_the_others(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(of={"b": OUT_OF_MEMORY})
    async with managed(spawn, capacity=20) as manager, trio.open_nursery() as nursery:
        await use(manager, spec("a"), 1)
        nursery.start_soon(use, manager, spec("b"), 1)
        await trio.sleep(0.5)
        spawn.of = {}
        await trio.sleep(60)
        assert steps(spawn) == ["spawned a", "spawned b", "dead b", "dead a", "spawned b"]
        assert set(manager.residents) == {"b"}
        await use(manager, spec("a"), 1)
        assert set(manager.residents) == {"a", "b"}  # what it really holds is known by now


async def test_a_model_without_memory_even_alone_is_told(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(of={"b": OUT_OF_MEMORY})
    async with managed(spawn, capacity=20) as manager:
        await use(manager, spec("a"), 1)
        with pytest.raises(OutOfMemory, match="kv cache"):
            await use(manager, spec("b"), 1)
        assert steps(spawn) == ["spawned a", *["spawned b", "dead b"], "dead a"] + [
            *["spawned b", "dead b"]
        ]


def with_fallbacks(name: str, *notes: str) -> ModelSpec:
    """Return a model that may also be launched under other names, so that they can be told."""
    fallback: ModelSpec | None = None
    for note in reversed(notes):
        launch = partial(fake_launch, note, slots=1)
        fallback = ModelSpec(name, 1, launch, lambda: ram(1), fallback=fallback, note=note)
    return evolve(spec(name), fallback=fallback)


def note(manager: RunnerManager) -> str:
    """Return what is different about the model than configured."""
    seat = manager.seat("b")
    assert seat is not None
    return seat.spec.note


async def test_without_memory_each_fallback_that_is_configured_is_tried(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(of={"b": OUT_OF_MEMORY, "less": OUT_OF_MEMORY})
    model = with_fallbacks("b", "less", "least")
    async with managed(spawn, capacity=20) as manager:
        await use(manager, spec("a"), 1)
        await use(manager, model, 1)
        tried = [step for step in steps(spawn) if step.startswith("spawned")]
        assert tried == ["spawned a", "spawned b", "spawned b", "spawned less", "spawned least"]
        assert note(manager) == "least"
        resident, _ = manager.residents["b"]
        assert (resident.slots, resident.footprint) == (1, ram(1))


async def test_every_load_begins_as_configured(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(of={"b": OUT_OF_MEMORY})
    model = evolve(with_fallbacks("b", "less"), keep_alive=None)
    async with managed(spawn, SIZE) as manager:
        await use(manager, model, 1)
        assert note(manager) == "less"
        spawn.of = {}
        await use(manager, spec("a"), 1)
        await use(manager, model, 1)
        assert note(manager) == ""


async def test_who_gets_no_memory_is_told_what_was_needed(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(of=dict.fromkeys(("b", "less"), OUT_OF_MEMORY))
    async with managed(spawn) as manager:
        with pytest.raises(OutOfMemory, match="need 1 bytes of ram, and models may have 10 bytes"):
            await use(manager, with_fallbacks("b", "less"), 1)
        assert [child.launch.name for child in spawn.children] == ["b", "less"]


async def test_a_busy_model_is_not_cut_off_for_one_without_memory(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(of={"b": OUT_OF_MEMORY})
    async with managed(spawn, capacity=20) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 100)
        await trio.sleep(1)
        nursery.start_soon(use, manager, spec("b"), 1)
        await trio.sleep(0.5)
        spawn.of = {}
        await trio.sleep(90)
        assert steps(spawn) == ["spawned a", "spawned b", "dead b"]
        await trio.sleep(60)
        assert steps(spawn)[3:] == ["dead a", "spawned b"]


async def test_a_pinned_model_stays_whoever_lacks_memory(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(of={"b": OUT_OF_MEMORY})
    pinned = evolve(spec("a"), pinned=True)
    async with managed(spawn, capacity=20) as manager:
        await use(manager, pinned, 1)
        with pytest.raises(OutOfMemory, match="kv cache"):
            await use(manager, spec("b"), 1)
        assert steps(spawn) == ["spawned a", "spawned b", "dead b"]
