"""The steps of a load leave no time out."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from llama_runner.scheduling.trail import Span, Step, Trail

_MOVES = st.lists(
    st.tuples(st.sampled_from(Step), st.sampled_from(("", "a", "b")), st.floats(0, 100))
)


@given(_MOVES, st.floats(0, 100))
def test_the_steps_follow_each_other_without_a_gap(
    moves: list[tuple[Step, str, float]], rest: float
) -> None:
    trail, now = Trail("a", "me", 5.0), 5.0
    for step, detail, took in moves:
        now += took
        trail.enter(step, now, detail)
    trail.end(now + rest, "served")
    spans = trail.spans
    edges = [5.0, *(span.ended for span in spans)]
    assert [span.began for span in spans] == edges[:-1]
    assert edges[-1] == pytest.approx(now + rest) if spans else now + rest == 5.0
    assert all(span.ended > span.began for span in spans)


def test_a_step_that_is_told_twice_is_one() -> None:
    trail = Trail("a", "me", 0.0)
    trail.enter(Step.LOAD, 1.0)
    trail.enter(Step.LOAD, 2.0)
    trail.end(3.0, "loaded")
    assert trail.spans == [Span(Step.TURN, 0.0, 1.0), Span(Step.LOAD, 1.0, 3.0)]
    assert (trail.outcome, trail.ended) == ("loaded", 3.0)
