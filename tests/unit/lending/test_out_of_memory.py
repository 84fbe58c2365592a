"""A model that runs out of memory at its start, beside others and alone."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from llama_runner.errors import StartFailed
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.manager import managed, spec, steps, use

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
        with pytest.raises(StartFailed, match="kv cache"):
            await use(manager, spec("b"), 1)
        assert steps(spawn) == ["spawned a", *["spawned b", "dead b"], "dead a"] + [
            *["spawned b", "dead b"]
        ]


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
        with pytest.raises(StartFailed, match="kv cache"):
            await use(manager, spec("b"), 1)
        assert steps(spawn) == ["spawned a", "spawned b", "dead b"]
