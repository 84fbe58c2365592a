from __future__ import annotations

import pytest

from tests.bench.bound import Bound, Verdict


@pytest.mark.parametrize(
    ("bound", "value", "met"),
    [
        (Bound(10), 10.0, True),
        (Bound(10), 10.1, False),
        (Bound(14, "naive", at_least=True), 14.0, True),
        (Bound(14, "naive", at_least=True), 13.9, False),
    ],
)
def test_a_bound_is_met_up_to_its_limit(bound: Bound, value: float, met: bool) -> None:
    assert Verdict(bound, value).met is met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    verdict = Verdict(Bound(10_000), None)
    assert verdict.met is None
    assert str(verdict) == "≤ 10,000: not measured"


def test_a_verdict_says_what_was_compared_and_how_it_went() -> None:
    assert str(Verdict(Bound(0.2, "naive"), 0.1)) == "≤ 0.2 × naive: met"
    assert str(Verdict(Bound(27, "naive", at_least=True), 3.0)) == "≥ 27 × naive: missed"
