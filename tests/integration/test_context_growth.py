"""What is done where a model cannot have the context that a client wants, on the virtual clock."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import LlamaRunnerError, ModelTooLarge, NoRoom, QueueFull, RunnerLost
from llama_runner.runner_manager import RunnerManager
from tests.support.contexts import CONTEXT, TRAINED, Wants, ask, memory, sized
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.manager import managed, steps

FAILS = Behaviour(loads_for=9, exits_after=1, exit_code=1, prints=("error: no luck today",))
LACKS_MEMORY = Behaviour(
    loads_for=9, exits_after=1, exit_code=1, prints=("failed to allocate buffer for kv cache",)
)


async def test_a_growth_makes_do_with_what_is_wanted_where_no_more_fits(
    autojump_clock: MockClock,
) -> None:
    spawn, spec = FakeSpawner(), sized("a")
    async with managed(spawn, memory=memory(spawn, 5)) as manager:
        assert await ask(manager, spec, 9000) == 9000


async def test_a_growth_for_which_there_is_no_memory_is_refused_and_the_model_serves_on(
    autojump_clock: MockClock,
) -> None:
    spawn, spec = FakeSpawner(), sized("a")
    found = memory(spawn, 8)
    async with managed(spawn, memory=found) as manager:
        await ask(manager, spec)
        with pytest.raises(ModelTooLarge, match="a with a context of 32768 tokens is too large"):
            await ask(manager, spec, 32_768)
        found.others = 4
        with pytest.raises(NoRoom, match="a with a context of 16384 tokens needs 6 bytes of ram"):
            await ask(manager, spec, 16_384)
        assert await ask(manager, spec) == CONTEXT
        assert steps(spawn) == ["spawned a"]


async def test_a_growth_evicts_what_is_idle_but_nothing_pinned(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn, memory=memory(spawn, 10)) as manager:
        manager.pins["b"] = True
        await ask(manager, sized("b"))
        await ask(manager, sized("a"))
        with pytest.raises(NoRoom, match="pinned models leave too little"):
            await ask(manager, sized("a"), TRAINED)
        assert await ask(manager, sized("a"), 16_384) == 16_384
        assert set(manager.residents) == {"a", "b"}
        seat = manager.seat("b")
        assert seat is not None
        seat.pinned = False
        assert await ask(manager, sized("a"), TRAINED) == TRAINED
        assert set(manager.residents) == {"a"}


@pytest.mark.parametrize(
    ("behaviour", "cause"), [(FAILS, "no luck today"), (LACKS_MEMORY, "kv cache")]
)
async def test_a_growth_that_does_not_start_is_told_to_who_wanted_it_and_taken_back(
    autojump_clock: MockClock, behaviour: Behaviour, cause: str
) -> None:
    spawn = FakeSpawner(of={"a 16384": behaviour})
    served: list[int] = []

    async def asks_little(manager: RunnerManager) -> None:
        served.append(await ask(manager, sized("a"), 1))

    async with managed(spawn, memory=memory(spawn)) as manager, trio.open_nursery() as nursery:
        await ask(manager, sized("a"), 8192)
        nursery.start_soon(ask, manager, sized("a"), None, 3)
        await trio.sleep(1)
        nursery.start_soon(asks_little, manager)
        await trio.sleep(0.1)
        # They come while the model still serves, and one while it does not start.
        with trio.move_on_after(1):
            await ask(manager, sized("a"), 16_384)
        nursery.start_soon(asks_little, manager)
        with pytest.raises(LlamaRunnerError, match=cause):
            await ask(manager, sized("a"), 10_000)
        await trio.sleep(9)
        assert served == [8192, 8192]
        spawned = [step for step in steps(spawn) if step.startswith("spawned")]
        assert spawned == ["spawned a 8192", "spawned a 16384", "spawned a 8192"]
        with pytest.raises(NoRoom, match="could not be launched with a context of 16384 tokens"):
            await ask(manager, sized("a"), 16_384)
        assert manager.planner.circuits.told("a") is None
        assert await ask(manager, sized("a"), 8192) == 8192
        assert len(spawn.children) == 3


async def test_a_full_queue_is_no_reason_to_grow(autojump_clock: MockClock) -> None:
    spawn, spec = FakeSpawner(), sized("a", slots=1)
    settings = SchedulingConfig(queue_limit=1)
    async with managed(spawn, settings=settings, memory=memory(spawn)) as manager:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, manager, spec, None, 10)
            await trio.sleep(1)
            nursery.start_soon(ask, manager, spec)
            await trio.sleep(1)
            with pytest.raises(QueueFull):
                await ask(manager, spec, 8192)
        assert await ask(manager, spec) == CONTEXT
        assert steps(spawn) == ["spawned a"]


async def test_a_growth_that_ends_before_it_has_answered_anybody_is_taken_back(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(of={"a 8192": Behaviour(exits_after=5, exit_code=1)})
    spec = sized("a", slots=1)
    told: list[str] = []

    async def waits(manager: RunnerManager) -> None:
        with pytest.raises(RunnerLost) as lost:
            await ask(manager, spec, 8192)
        told.append(str(lost.value))

    async with managed(spawn, memory=memory(spawn)) as manager, trio.open_nursery() as nursery:
        with manager.queue(spec, "client", Wants(8192)) as place:
            lease = await place.granted()
            nursery.start_soon(waits, manager)
            await trio.sleep(9)
            lease.abandon()
        assert "before it had answered anybody" in told[0]
        assert await ask(manager, spec) == CONTEXT
        assert manager.planner.circuits.told("a") is None
