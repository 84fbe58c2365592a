"""Models that do not fit beside each other are not loaded for every request in turn."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.runner_manager import open_runner_manager
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.fake_memory import FakeMemory
from tests.support.playing import Times, spec_of, play
from tests.support.thrash import Ask, fewest_loads, trace

TIMES = Times(load=6, stop=1, answer=1)
SETTINGS = SchedulingConfig(patience=20, min_residency=5)
GAP = 2.5
MOST = 1.2


def _bound() -> float:
    """Return the bound of a request that has nobody in front of it."""
    return SETTINGS.patience + TIMES.answer + TIMES.stop + TIMES.load


@pytest.mark.parametrize("seed", [1, 2])
def test_few_more_loads_are_made_than_by_one_who_knows_what_is_to_come(seed: int) -> None:
    asked = trace(seed, GAP)
    played = play(asked, TIMES, SETTINGS)
    fewest = fewest_loads(
        asked,
        answer=TIMES.answer,
        swap=TIMES.stop + TIMES.load,
        load=TIMES.load,
        within=_bound(),
    )
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


@pytest.mark.parametrize(("other", "waits"), [("one", 7.0), ("two", 12.0)])
async def test_a_model_lingers_for_other_clients_only(
    autojump_clock: MockClock, other: str, waits: float
) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=6, stop_takes=1))
    memory = FakeMemory(10, {"A": 6, "B": 6}, spawn)
    async with open_runner_manager(memory, spawn, SETTINGS, 30, Broadcaster()) as manager:
        with manager.queue(spec_of("A"), "one") as place:
            await place.granted()
        await trio.sleep(1)
        began = trio.current_time()
        with manager.queue(spec_of("B"), other) as place:
            await place.granted()
        assert trio.current_time() - began == pytest.approx(waits, abs=0.2)


async def test_nobody_lingers_once_patience_is_over(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=6, stop_takes=1))
    memory = FakeMemory(10, {"A": 6, "B": 6}, spawn)
    settings = evolve(SETTINGS, patience=2)
    async with open_runner_manager(memory, spawn, settings, 30, Broadcaster()) as manager:
        with manager.queue(spec_of("A"), "one") as place:
            await place.granted()
        began = trio.current_time()
        with manager.queue(spec_of("B"), "two") as place:
            await place.granted()
        assert trio.current_time() - began == pytest.approx(9, abs=0.2)
