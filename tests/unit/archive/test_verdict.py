"""When saving a slot is worth its time."""

from __future__ import annotations

from llama_runner.archive.verdict import Pace, Proven

PROVEN = Proven(reading=Pace(100, 1.0), saving=Pace(1000, 0.1), restoring=Pace(1000, 0.1))


def test_it_is_where_the_prompt_would_take_longer_to_read() -> None:
    assert PROVEN.is_worth(tokens=21, size=1000)
    assert not PROVEN.is_worth(tokens=19, size=1000)


def test_what_was_measured_since_counts() -> None:
    assert not PROVEN.noting(reading=Pace(1000, 0.1)).is_worth(tokens=100, size=1000)
    assert not PROVEN.noting(restoring=Pace(1000, 10.0)).is_worth(tokens=100, size=1000)
    assert not PROVEN.noting(saving=Pace(1000, 10.0)).is_worth(tokens=100, size=1000)


def test_a_measurement_of_little_does_not_count() -> None:
    assert PROVEN.noting(reading=Pace(10, 5.0), restoring=Pace(9, 5.0)) == PROVEN
