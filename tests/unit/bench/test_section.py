from __future__ import annotations

from tests.bench.arithmetic import Ratio
from tests.bench.bound import Bound
from tests.bench.section import DIRECT, Facts, Finding, Row, findings_of

ADDED = Row("added first byte", "µs", "first", "requests 1", added=True)
PLAIN = Row("first byte", "µs", "first", "requests 1")


def seen() -> Facts:
    facts = Facts()
    for direct, ours, naive in ((10.0, 12.0, 30.0), (10.0, 16.0, None)):
        for column, value in {DIRECT: direct, "ours": ours, "naive": naive}.items():
            facts.note("requests 1", "first", column, value)
    return facts


def test_a_row_tells_every_column_by_repetition() -> None:
    assert seen().values(PLAIN) == {
        DIRECT: [10.0, 10.0],
        "ours": [12.0, 16.0],
        "naive": [30.0, None],
    }


def test_what_is_added_is_less_the_direct_one_of_the_same_repetition() -> None:
    values = seen().values(ADDED)
    assert values["ours"] == [2.0, 6.0] and values["naive"] == [20.0, None]


def test_of_what_was_not_measured_nothing_is_told() -> None:
    (finding,) = findings_of([Row("x", "", "first", "no such shape", bounds=(Bound(1),))], seen())
    assert finding.values == {} and finding.middle("ours") is None
    assert [verdict.word for verdict in finding.verdicts("ours")] == ["not measured"]


def test_a_bound_judges_the_value_or_the_ratio_it_speaks_of() -> None:
    bounds = (Bound(3.0), Bound(0.2, "naive"), Bound(1.0, "a peer"))
    row = Row("added", "", "first", bounds=bounds)
    finding = Finding(row, {"ours": [2.0, 6.0], "naive": [20.0, None]})
    assert finding.ratio("ours", "naive") == Ratio(0.1, 0.1, 0.1)
    assert [(verdict.value, verdict.met) for verdict in finding.verdicts("ours")] == [
        (4.0, False),
        (0.1, True),
        (None, None),
    ]
