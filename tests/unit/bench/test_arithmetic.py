from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.arithmetic import Ratio, added, middle, percentile, ratio


def test_a_percentile_is_one_of_the_values_by_nearest_rank() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0, 0.5, 0.74, 0.99, 1)] == [1, 3, 4, 5, 5]
    assert percentile([7.0], 0.99) == 7.0


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0, 1))
def test_a_percentile_lies_between_the_least_and_the_most(values: list[float], at: float) -> None:
    assert percentile(values, at) in values


def test_the_middle_is_of_what_was_measured() -> None:
    assert middle([None, 3.0, 1.0, 2.0]) == 2.0
    assert middle([None]) is None


@pytest.mark.parametrize(
    ("value", "direct", "more"),
    [(5.0, 2.0, 3.0), (1.0, 2.0, 0.0), (None, 2.0, None), (1.0, None, None)],
)
def test_what_is_added_is_never_negative(
    value: float | None, direct: float | None, more: float | None
) -> None:
    assert added(value, direct) == more


def test_a_ratio_compares_within_each_repetition() -> None:
    assert ratio([1.0, 3.0, 8.0], [2.0, 2.0, 2.0]) == Ratio(1.5, 0.5, 4.0)


def test_a_ratio_passes_over_what_cannot_be_compared() -> None:
    assert ratio([1.0, None, 3.0, 4.0], [2.0, 2.0, None, 0.0]) == Ratio(0.5, 0.5, 0.5)
    assert ratio([None], [1.0]) is None
