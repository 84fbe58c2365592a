"""What is kept of each load: what it waited for, step by step, on the virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from llama_runner.chrome_trace import chrome_trace
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import StartFailed
from llama_runner.lending.seat import Seat
from llama_runner.runner_manager import RunnerManager
from llama_runner.scheduling.trail import Step, Trail
from llama_runner.timeline_fields import timeline_fields
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.fake_memory import FakeMemory
from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.manager import SIZE, managed, spec, use
from tests.support.program import STREAM, open_program
from tests.support.scripted_engine import ScriptedEngine, TokenScript

LOADS_FOR, STOP_TAKES = 7.0, 1.0
CHILD = Behaviour(loads_for=LOADS_FOR, stop_takes=STOP_TAKES)
HASTY = SchedulingConfig(patience=2, min_residency=0)


def steps_of(trail: Trail) -> dict[str, float]:
    """Return how long each step took, in their order; they must take as long as the whole."""
    took: dict[str, float] = {}
    for span in trail.spans:
        took[span.step.name] = round(took.get(span.step.name, 0) + span.ended - span.began, 3)
    assert trail.ended is not None
    assert sum(took.values()) == pytest.approx(trail.ended - trail.began)
    return took


def last(manager: RunnerManager) -> Trail:
    """Return the trail that ended last."""
    return manager.timeline.over[-1]


async def first_token(manager: RunnerManager, name: str, after: float) -> None:
    """Ask a model whose answer begins after so many seconds."""
    with manager.queue(spec(name), "me") as place:
        lease = await place.granted()
        await trio.sleep(after)
        if lease.first_token is not None:
            lease.first_token("served")


async def test_a_load_is_told_with_its_first_token(autojump_clock: MockClock) -> None:
    async with managed(FakeSpawner(CHILD)) as manager:
        await first_token(manager, "a", 2)
        assert steps_of(last(manager)) == {"LOAD": LOADS_FOR, "PROMPT": 2}
        assert (last(manager).client, last(manager).outcome) == ("me", "served")
        assert [share for _, share in last(manager).progress] == [0]
        await first_token(manager, "a", 2)
        assert len(manager.timeline.over) == 1  # it was there


async def test_answers_in_the_way_and_the_stop_are_told(autojump_clock: MockClock) -> None:
    async with managed(FakeSpawner(CHILD), settings=HASTY) as manager:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(use, manager, spec("a"), 20)
            await trio.sleep(LOADS_FOR + 10)
            nursery.start_soon(first_token, manager, "b", 1)
        trail = last(manager)
        steps = {"DRAIN": 10, "STOP": STOP_TAKES, "LOAD": LOADS_FOR, "PROMPT": 1}
        assert steps_of(trail) == steps
        assert {span.detail for span in trail.spans if span.step is Step.DRAIN} == {"a"}


async def test_an_idle_model_in_the_way_lingers(autojump_clock: MockClock) -> None:
    async with managed(FakeSpawner(CHILD)) as manager:
        with manager.queue(spec("a"), "another") as place:
            await place.granted()
        await first_token(manager, "b", 1)
        patience = SchedulingConfig().patience
        assert LOADS_FOR < patience < 2 * LOADS_FOR
        steps = {"TURN": patience, "STOP": STOP_TAKES, "LOAD": LOADS_FOR, "PROMPT": 1}
        assert steps_of(last(manager)) == steps


@asynccontextmanager
async def slow_attendant(_: Seat) -> AsyncIterator[None]:
    """Take three seconds before, two after."""
    await trio.sleep(3)
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            await trio.sleep(2)


async def test_what_is_saved_and_restored_is_told(autojump_clock: MockClock) -> None:
    async with managed(FakeSpawner(CHILD), attendants=[slow_attendant]) as manager:
        await use(manager, spec("a"), 1)
        await use(manager, spec("b"), 1)
        steps = steps_of(last(manager))
        assert list(steps) == ["SAVE", "STOP", "LOAD", "RESTORE", "PROMPT"]
        assert (steps["SAVE"], steps["RESTORE"]) == (2, 3)
        assert last(manager).outcome == "no token was sent"


async def test_memory_that_comes_back_late_is_told(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(CHILD)
    memory = FakeMemory(10, {"a": SIZE, "b": SIZE}, spawn)
    async with managed(spawn, memory=memory) as manager:
        await first_token(manager, "a", 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(first_token, manager, "b", 1)
            await trio.sleep(0.5)
            memory.others = SIZE  # what the child holds until after its end
            await trio.sleep(0.5 + 3)
            memory.others = 0
        assert steps_of(last(manager))["MEMORY"] == pytest.approx(3, abs=0.1)


async def test_a_start_that_fails_is_told_and_the_pause_after_it(autojump_clock: MockClock) -> None:
    fails = Behaviour(loads_for=30, exits_after=3, exit_code=1, prints=("error: no luck",))
    spawn = FakeSpawner(fails)
    async with managed(spawn) as manager:
        with pytest.raises(StartFailed, match="no luck"):
            await use(manager, spec("a"), 1)
        assert last(manager).outcome.startswith("failed: a did not start: ")
        assert steps_of(last(manager)) == {"LOAD": 3}
        spawn.behaviour = CHILD
        await first_token(manager, "a", 1)
        assert steps_of(last(manager))["PAUSE"] == pytest.approx(1)


async def test_a_load_that_nobody_waits_for_any_more_ends_as_loaded(
    autojump_clock: MockClock,
) -> None:
    async with managed(FakeSpawner(CHILD)) as manager:
        with trio.move_on_after(2):
            await use(manager, spec("a"), 1)
        assert "a" in manager.timeline.open
        await trio.sleep(LOADS_FOR)
        assert (last(manager).outcome, steps_of(last(manager))) == ("loaded", {"LOAD": LOADS_FOR})


async def test_who_leaves_before_the_load_has_begun_ends_its_trail(
    autojump_clock: MockClock,
) -> None:
    async with managed(FakeSpawner(CHILD)) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 100)
        await trio.sleep(10)
        with trio.move_on_after(5):
            await use(manager, spec("b"), 1)
        assert last(manager).outcome == "nobody waits any more"
        assert steps_of(last(manager)) == {"DRAIN": 5}
        assert "b" not in manager.timeline.open


async def test_the_relay_tells_the_first_token(autojump_clock: MockClock) -> None:
    engine = ScriptedEngine(TokenScript(batches=4, batch_takes=1.0, tokens=50, every=1.0))
    async with open_program(engine=engine, spawn=FakeSpawner(CHILD)) as program:
        assert (await ask(program.client(), request_bytes(body=STREAM))).status == 200
        (trail,) = program.runners.timeline.over
        assert steps_of(trail) == {"LOAD": LOADS_FOR, "PROMPT": 5}
        assert trail.outcome == "served"


async def test_the_loads_can_be_seen_in_chrome(autojump_clock: MockClock) -> None:
    async with managed(FakeSpawner(CHILD)) as manager:
        await first_token(manager, "a", 1)
        await first_token(manager, "b", 1)
        loads = timeline_fields(manager.timeline, 1000.0)["loads"]
        events = chrome_trace(loads)["traceEvents"]
        names = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
        assert set(names.values()) == {"a", "b"}
        for load in loads:
            row = next(row for row, name in names.items() if name == load["model"])
            whole, *steps = [e for e in events if e["ph"] == "X" and e["tid"] == row]
            assert whole["dur"] == pytest.approx(1e6 * load["seconds"], abs=1)
            assert sum(step["dur"] for step in steps) == pytest.approx(whole["dur"], abs=5)
            assert min(step["ts"] for step in steps) == whole["ts"]
