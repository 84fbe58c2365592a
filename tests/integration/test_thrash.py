"""Models that do not fit beside each other are not loaded for every request in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.fake_memory import FakeMemory
from tests.support.playing import Times, spec_of, play
from tests.support.thrash import Ask, fewest_loads, trace

SETTINGS = SchedulingConfig(patience=20, min_residency=5)
GAP = 2.5
MOST = 1.2


@pytest.mark.parametrize("answer", [0.2, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_few_more_loads_are_made_than_by_one_who_knows_what_is_to_come(
    seed: int, answer: float
) -> None:
    times = Times(load=6, stop=1, answer=answer)
    asked, swap = trace(seed, GAP), times.stop + times.load
    played = play(asked, times, SETTINGS)
    # The bound of a request that has nobody in front of it.
    within = SETTINGS.patience + answer + swap
    fewest = fewest_loads(asked, answer=answer, swap=swap, load=times.load, within=within)
    assert fewest is not None
    assert len(played.waits) == len(asked)
    assert played.loads <= MOST * fewest


def test_the_fewest_loads_of_short_traces_are_the_right_ones() -> None:
    asked = [Ask(at, "one", model) for at, model in enumerate("ABA")]
    times = {"answer": 0.5, "swap": 0.5, "load": 1.0}
    assert fewest_loads(asked, within=2.0, **times) == 2
    assert fewest_loads(asked, within=1.9, **times) == 3
    assert fewest_loads(asked, within=1.0, **times) == 3
    assert fewest_loads(asked, within=0.9, **times) is None


@asynccontextmanager
async def _opened(settings: SchedulingConfig) -> AsyncIterator[RunnerManager]:
    spawn = FakeSpawner(Behaviour(loads_for=6, stop_takes=1))
    memory = FakeMemory(10, {"A": 6, "B": 6}, spawn)
    async with open_runner_manager(memory, spawn, settings, 30, Broadcaster()) as manager:
        yield manager


async def _wait_for(manager: RunnerManager, model: str, client: str) -> float:
    """Return after how many seconds a client is served."""
    began = trio.current_time()
    with manager.queue(spec_of(model), client) as place:
        await place.granted()
    return trio.current_time() - began


@pytest.mark.parametrize(("other", "waits"), [("one", 7), ("two", 18)])
async def test_a_model_lingers_for_other_clients_only(
    autojump_clock: MockClock, other: str, waits: float
) -> None:
    async with _opened(SETTINGS) as manager:
        await _wait_for(manager, "A", "one")
        await trio.sleep(1)
        assert await _wait_for(manager, "B", other) == pytest.approx(waits, abs=0.2)


async def test_a_model_to_which_its_client_came_back_lingers_for_that_client_too(
    autojump_clock: MockClock,
) -> None:
    async with _opened(SETTINGS) as manager:
        waits = [await _wait_for(manager, model, "one") for model in "ABAB"]
        assert waits == pytest.approx([6, 7, 7, 19], abs=0.2)


async def test_one_that_comes_back_late_has_not_returned(autojump_clock: MockClock) -> None:
    async with _opened(SETTINGS) as manager:
        waits = [await _wait_for(manager, model, "one") for model in "AB"]
        await trio.sleep(18)
        waits += [await _wait_for(manager, model, "one") for model in "AB"]
        assert waits == pytest.approx([6, 7, 7, 7], abs=0.2)


async def test_nobody_lingers_once_patience_is_over(autojump_clock: MockClock) -> None:
    async with _opened(evolve(SETTINGS, patience=2)) as manager:
        await _wait_for(manager, "A", "one")
        assert await _wait_for(manager, "B", "two") == pytest.approx(9, abs=0.2)
