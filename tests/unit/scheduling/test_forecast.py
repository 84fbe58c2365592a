from __future__ import annotations

import pytest

from llama_runner.scheduling.forecast import Forecast, Pace, forecast
from llama_runner.scheduling.resident import Phase, Resident
from tests.support.fake_memory import ram
from tests.unit.scheduling.test_decide import ready, situation, tickets

PACE = Pace(loads={"b": 7.0, "c": 9.0}, left={"a": 2.0}, answers={"a": 10.0})


def test_a_load_into_free_memory_is_known() -> None:
    waiting = tickets("b", "c")
    there = situation(waiting, {}, {"b": 3, "c": 3})
    assert forecast(waiting[1], there, PACE) == Forecast(16.0)


def test_idle_models_do_not_make_a_wait_open() -> None:
    waiting = tickets("b")
    there = situation(waiting, {"a": ready(8)}, {"b": 9})
    assert forecast(waiting[0], there, PACE) == Forecast(7.0)


def test_a_running_answer_in_the_way_makes_a_wait_open() -> None:
    waiting = tickets("b")
    there = situation(waiting, {"a": ready(8, leases=1)}, {"b": 9})
    assert forecast(waiting[0], there, PACE) == Forecast(17.0, True)


@pytest.mark.parametrize(("place", "rounds"), [(0, 1), (1, 1), (2, 2)])
def test_a_wait_for_a_slot_goes_by_rounds(place: int, rounds: int) -> None:
    waiting = tickets("a", "a", "a")
    there = situation(waiting, {"a": ready(8, slots=2, leases=2)})
    assert forecast(waiting[place], there, PACE) == Forecast(rounds * 10.0, True)


def test_the_rest_of_a_load_is_known() -> None:
    waiting = tickets("a")
    there = situation(waiting, {"a": Resident(footprint=ram(1), phase=Phase.STARTING)})
    assert forecast(waiting[0], there, PACE) == Forecast(2.0)
