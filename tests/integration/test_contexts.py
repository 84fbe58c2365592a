"""What becomes of the context that clients want, on the virtual clock."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.larger_context import CLAMP, GROW, REFUSE
from llama_runner.errors import BadRequest
from llama_runner.runner_manager import RunnerManager
from llama_runner.scheduling.trail import Step
from tests.support.contexts import CONTEXT, TRAINED, Wants, ask, grown_name, memory, sized
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.manager import managed, steps


@pytest.mark.parametrize("policy", [CLAMP, GROW, REFUSE])
async def test_a_smaller_or_equal_context_never_loads_a_model_again(
    autojump_clock: MockClock, policy: str
) -> None:
    spawn = FakeSpawner()
    async with managed(spawn, memory=memory(spawn)) as manager:
        for wanted in (CONTEXT, 1, None, CONTEXT - 1, 2048):
            assert await ask(manager, sized("a", policy=policy), wanted) == CONTEXT
        assert steps(spawn) == ["spawned a"]


async def test_a_larger_one_is_served_with_what_there_is_and_told_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    spawn, spec = FakeSpawner(), sized("a", policy=CLAMP)
    async with managed(spawn, memory=memory(spawn)) as manager:
        for wanted in (9000, 9000, 8192, 9000):
            assert await ask(manager, spec, wanted) == CONTEXT
        assert steps(spawn) == ["spawned a"]
    assert caplog.text.count("a client wants 9000, and gets what there is") == 1
    assert caplog.text.count("a client wants 8192, and gets what there is") == 1


@pytest.mark.parametrize("loaded", [True, False])
async def test_a_larger_one_may_be_refused(autojump_clock: MockClock, *, loaded: bool) -> None:
    spawn, spec = FakeSpawner(), sized("a", policy=REFUSE)
    async with managed(spawn, memory=memory(spawn)) as manager:
        if loaded:
            await ask(manager, spec)
        with pytest.raises(BadRequest) as refused:
            await ask(manager, spec, 8192)
        message = "num_ctx: a has a context of 4096 tokens, 8192 were asked for"
        assert (str(refused.value), refused.value.status) == (message, 400)
        assert len(manager.line) == 0
        assert len(spawn.children) == loaded


async def test_a_model_grows_once_no_stream_is_open_and_none_is_cut(
    autojump_clock: MockClock,
) -> None:
    spawn, spec = FakeSpawner(Behaviour(loads_for=2, stop_takes=1)), sized("a")
    async with managed(spawn, memory=memory(spawn)) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(ask, manager, spec, None, 30)
        await trio.sleep(5)
        began = trio.current_time()
        assert await ask(manager, spec, 8192) == 8192
        assert trio.current_time() - began == pytest.approx(27 + 1 + 2 + 1, abs=0.2)
        assert steps(spawn) == ["spawned a", "dead a", "spawned a 8192"]
        for wanted in (8192, CONTEXT, None, 1):
            assert await ask(manager, spec, wanted) == 8192
        assert len(spawn.children) == 2
    assert spawn.children[0].history == ["asked to exit", "exited 0"]


async def test_a_growth_has_a_trail_that_leaves_no_time_out(autojump_clock: MockClock) -> None:
    spawn, spec = FakeSpawner(Behaviour(loads_for=2, stop_takes=1)), sized("a")
    async with managed(spawn, memory=memory(spawn)) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(ask, manager, spec, None, 30)
        await trio.sleep(5)
        with manager.queue(spec, "client", Wants(8192)) as place:
            (await place.granted()).wants_no_token()
        before, trail = manager.timeline.over
        assert (before.outcome, trail.outcome) == ("loaded", "loaded")
        took = {span.step: span.ended - span.began for span in trail.spans}
        assert took[Step.DRAIN] == pytest.approx(27, abs=0.1)
        assert took[Step.STOP] == pytest.approx(1, abs=0.1)
        assert took[Step.LOAD] == pytest.approx(2, abs=0.1)
        assert sum(took.values()) == pytest.approx(30, abs=0.2)


async def test_clients_with_different_contexts_cause_one_load_more(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=2, stop_takes=1))

    async def visits(manager: RunnerManager, wanted: int | None) -> None:
        for _ in range(30):
            assert await ask(manager, sized("a"), wanted) >= (wanted or 0)
            await trio.sleep(0.7)

    async with managed(spawn, memory=memory(spawn)) as manager:
        async with trio.open_nursery() as nursery:
            for wanted in (None, 16_384, 2048):
                nursery.start_soon(visits, manager, wanted)
        assert steps(spawn) in (
            ["spawned a", "dead a", "spawned a 16384"],
            ["spawned a 16384"],  # if it is the first
        )


async def test_a_model_that_is_not_loaded_is_loaded_with_what_is_wanted(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    async with managed(spawn, memory=memory(spawn)) as manager:
        assert await ask(manager, sized("a"), 8192) == 8192
        assert steps(spawn) == ["spawned a 8192"]


async def test_what_a_model_has_grown_to_outlives_its_stop(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn, memory=memory(spawn, 8)) as manager:
        await ask(manager, sized("a"), 16_384)
        await ask(manager, sized("b"))
        await ask(manager, sized("b"), seconds=9)
        assert await ask(manager, sized("a"), 1) == 16_384
        spawned = [step for step in steps(spawn) if step.startswith("spawned")]
        assert spawned == ["spawned a 16384", "spawned b", "spawned a 16384"]


async def test_a_wish_that_grows_a_little_each_time_has_a_model_loaded_seldom(
    autojump_clock: MockClock,
) -> None:
    spawn, spec = FakeSpawner(), sized("a")
    async with managed(spawn, memory=memory(spawn)) as manager:
        for wanted in range(1000, TRAINED, 1000):
            assert await ask(manager, spec, wanted) >= wanted
        spawned = [step for step in steps(spawn) if step.startswith("spawned")]
        assert spawned == [f"spawned {grown_name('a', CONTEXT * 2**step)}" for step in range(4)]


async def test_no_model_grows_beyond_what_it_was_trained_for(autojump_clock: MockClock) -> None:
    spawn, spec = FakeSpawner(), sized("a", trained=9000)
    async with managed(spawn, memory=memory(spawn)) as manager:
        for _ in range(3):
            assert await ask(manager, spec, 100_000) == 9000
        assert steps(spawn) == ["spawned a 9000"]


async def test_who_wants_more_during_a_growth_has_the_others_served_with_more(
    autojump_clock: MockClock,
) -> None:
    spawn, spec = FakeSpawner(), sized("a")
    had: list[int] = []

    async def visit(manager: RunnerManager, wanted: int) -> None:
        had.append(await ask(manager, spec, wanted))

    async with managed(spawn, memory=memory(spawn)) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(visit, manager, 1)
        for wanted in (1, 8192, 16_384):
            await trio.sleep(0.1)
            nursery.start_soon(visit, manager, wanted)
        await trio.sleep(9)
        assert had == [CONTEXT, CONTEXT, 16_384, 16_384]
        assert steps(spawn) == ["spawned a", "dead a", "spawned a 16384"]


async def test_who_waits_before_a_growth_is_served_before_it(autojump_clock: MockClock) -> None:
    spawn, spec = FakeSpawner(Behaviour(loads_for=5)), sized("a", slots=1)
    order: list[tuple[int | None, int]] = []

    async def visit(manager: RunnerManager, wanted: int | None) -> None:
        order.append((wanted, await ask(manager, spec, wanted)))

    async with managed(spawn, memory=memory(spawn)) as manager:
        async with trio.open_nursery() as nursery:
            for wanted in (None, 1, 8192, 2):
                nursery.start_soon(visit, manager, wanted)
                await trio.sleep(0.1)
        assert order == [(None, CONTEXT), (1, CONTEXT), (8192, 8192), (2, 8192)]
        assert steps(spawn) == ["spawned a", "dead a", "spawned a 8192"]


async def test_a_load_that_nobody_waits_for_makes_way_for_a_growth_at_once(
    autojump_clock: MockClock,
) -> None:
    spawn, spec = FakeSpawner(Behaviour(loads_for=300)), sized("a")
    async with managed(spawn, memory=memory(spawn)) as manager:
        with trio.move_on_after(1):
            await ask(manager, spec)
        spawn.behaviour = Behaviour()
        assert await ask(manager, spec, 8192) == 8192
        assert trio.current_time() < 10
