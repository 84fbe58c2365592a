"""When a model whose starts fail is tried again."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from llama_runner.scheduling.circuit import Circuit, Tries

TRIES = Tries(most=3, pause=1.0, rest=30.0)


def _after(failures: int, now: float = 100.0) -> Circuit:
    circuit = Circuit()
    for number in range(failures):
        circuit = circuit.failed(now, f"cause {number + 1}", TRIES)
    return circuit


@pytest.mark.parametrize(("failures", "pause"), [(1, 1), (2, 2), (3, 30), (4, 30), (9, 30)])
def test_each_failure_doubles_the_pause_until_the_model_is_left_alone(
    failures: int, pause: float
) -> None:
    assert _after(failures).until == 100 + pause


@pytest.mark.parametrize(("failures", "is_open"), [(0, False), (2, False), (3, True), (4, True)])
def test_it_opens_after_so_many_failures(failures: int, is_open: bool) -> None:
    assert _after(failures).is_open(100, TRIES) == is_open


def test_one_more_start_is_tried_after_the_rest_and_decides() -> None:
    circuit = _after(3)
    assert circuit.is_open(129.9, TRIES) and not circuit.is_open(130, TRIES)
    again = circuit.failed(135, "the same", TRIES)
    assert again.is_open(135, TRIES) and again.until == 165
    assert again.cause == "the same"


@given(st.integers(1, 9), st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_it_is_never_open_for_longer_than_its_rest(most: int, waits: list[float]) -> None:
    tries, now, circuit = Tries(most=most, pause=1.0, rest=30.0), 0.0, Circuit()
    for wait in waits:
        now = max(now + wait, circuit.until)  # nobody starts it before
        assert not circuit.is_open(now, tries)
        circuit = circuit.failed(now, "", tries)
        assert circuit.is_open(now, tries) == (circuit.failures >= most)
        assert not circuit.is_open(now + tries.rest, tries)


def test_no_pause_is_longer_than_the_rest() -> None:
    tries, circuit = Tries(most=100_000, pause=1.0, rest=30.0), Circuit()
    pauses = []
    for _ in range(2000):
        circuit = circuit.failed(0.0, "", tries)
        pauses.append(circuit.until)
    assert pauses[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert set(pauses[7:]) == {30}
