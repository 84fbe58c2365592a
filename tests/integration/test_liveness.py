"""Random crowds of clients, some impatient: each ends once, and memory is never overcommitted."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import trio
from attrs import define
from hypothesis import given, settings, strategies as st
from trio.testing import MockClock

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import RunnerError
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.runner.child import Child
from llama_runner.runner.launch import Launch
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from tests.support.fake_child import Behaviour, FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram

SIZES = {"a": 6, "b": 4, "c": 3, "d": 10}
CAPACITY = 10
PATIENT = 30

# (model, arrives at, holds for, leaves after)
Visit = tuple[str, float, float, float]
visits = st.lists(
    st.tuples(st.sampled_from("abcd"), st.floats(0, 50), st.floats(0, 20), st.floats(0.1, 60)),
    max_size=25,
)


@define(eq=False)
class WatchfulSpawner:
    """Sees to it that memory is never promised twice."""

    spawn: FakeSpawner

    def __call__(self, launch: Launch) -> AbstractAsyncContextManager[Child]:
        taken = sum(SIZES[child.launch.name] for child in self.spawn.alive)
        assert taken + SIZES[launch.name] <= CAPACITY
        return self.spawn(launch)


def _spec(name: str) -> ModelSpec:
    return ModelSpec(name, 2, lambda: fake_launch(name, slots=2), lambda: ram(SIZES[name]))


async def _visit(manager: RunnerManager, visit: Visit, ends: list[str]) -> None:
    name, at, holds, patience = visit
    await trio.sleep(at)
    with trio.CancelScope() as leaving:
        if patience < PATIENT:
            leaving.deadline = trio.current_time() + patience
        try:
            with manager.queue(_spec(name), "client") as place:
                await place.granted()
                await trio.sleep(holds)
        except RunnerError:
            ends.append("failed")
            return
        ends.append("served")
    if leaving.cancelled_caught:
        ends.append("left")


async def _crowd(behaviours: FakeSpawner, crowd: list[Visit]) -> list[str]:
    ends: list[str] = []
    spawn = WatchfulSpawner(behaviours)
    with trio.fail_after(100_000):
        async with open_runner_manager(
            FakeMemory(CAPACITY, SIZES, behaviours),
            spawn,
            SchedulingConfig(queue_timeout=50_000),
            30,
            Broadcaster(),
        ) as manager:
            async with trio.open_nursery() as nursery:
                for visit in crowd:
                    nursery.start_soon(_visit, manager, visit, ends)
            assert len(manager.line) == 0
            assert all(resident.leases == 0 for resident, _ in manager.residents.values())
    assert not behaviours.alive
    return ends


@given(visits)
@settings(deadline=None, max_examples=100)
def test_every_patient_request_is_served(crowd: list[Visit]) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=3, stop_takes=1))
    ends = trio.run(_crowd, spawn, crowd, clock=MockClock(autojump_threshold=0))
    patient = sum(visit[3] >= PATIENT for visit in crowd)
    assert len(ends) == len(crowd)
    assert ends.count("served") >= patient
    assert "failed" not in ends


@given(visits)
@settings(deadline=None, max_examples=50)
def test_every_request_ends_once_though_children_crash(crowd: list[Visit]) -> None:
    spawn = FakeSpawner(
        Behaviour(loads_for=3, stop_takes=1),
        {"a": Behaviour(loads_for=2, exits_after=4), "b": Behaviour(loads_for=9, exits_after=5)},
    )
    ends = trio.run(_crowd, spawn, crowd, clock=MockClock(autojump_threshold=0))
    assert len(ends) == len(crowd)
