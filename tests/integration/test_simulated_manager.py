"""Random things happen to a manager over fake children; every promise is checked at each step."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import RecordFigures
from tests.support.simulation import simulate

SEED = 5
SAMPLE, FULL = 10_000, 1_000_000
PART = 2_500
"""Steps of one simulation, so that a failure can be looked into."""


@pytest.mark.slow
def test_every_promise_is_kept_whatever_happens(soak: bool, record_figures: RecordFigures) -> None:
    steps = FULL if soak else SAMPLE
    parts = [simulate(SEED + number, PART) for number in range(steps // PART)]
    ends = sum((part.ends for part in parts), Counter[str]())
    assert set(ends) == {"served", "left", "failed", "refused"}
    figures = {
        "steps": steps,
        "requests": sum(part.asked for part in parts),
        "ends": dict(sorted(ends.items())),
        "crashes": sum(part.crashes for part in parts),
        "growths": sum(part.growths for part in parts),
        "longest wait, s": round(max(part.longest_wait for part in parts), 1),
        "largest part of its bound that a wait took": round(
            max(part.nearest_to_bound for part in parts), 3
        ),
    }
    print(figures)
    record_figures("simulated-manager", figures)
