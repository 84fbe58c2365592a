from __future__ import annotations

from tests.bench.bound import Bound
from tests.bench.report import Measured, as_fields, as_text
from tests.bench.section import Finding, Row, Section

ROW = Row("requests/s", "", "requests", bounds=(Bound(14, "naive", at_least=True), Bound(100)))
SECTION = Section(
    title="The relay",
    columns=("ours", "naive"),
    subject="ours",
    against=("naive",),
    findings=(Finding(ROW, {"ours": [300.0, 400.0], "naive": [20.0, 20.0]}),),
    notes=("on a scripted upstream",),
)
MEASURED = Measured([SECTION], {"ours": 2}, {"machine": "this one"})


def test_the_text_says_plainly_what_was_met_and_what_was_not() -> None:
    text = as_text(MEASURED)
    assert "machine: this one" in text
    assert "2 answers of ours were not what they should be" in text
    assert "bounds: 1 met, 1 missed, 0 not measured" in text
    assert "missed: requests/s 350 (≤ 100)" in text


def test_the_table_has_a_column_for_each_variant_its_ratios_and_the_bounds() -> None:
    header, rule, line = (row for row in as_text(MEASURED).splitlines() if row.startswith("|"))
    cells = [cell.strip() for cell in header.strip("|").split("|")]
    assert cells == ["", "ours", "naive", "ours / naive", "bound"]
    assert set(rule) <= set("|-: ")
    assert "350" in line and "17.50 (15.00 to 20.00)" in line
    assert "≥ 14 × naive: met; ≤ 100: missed" in line
    assert as_text(MEASURED).endswith("on a scripted upstream")


def test_a_program_reads_every_repetition_and_every_bound() -> None:
    fields = as_fields(MEASURED)
    assert fields["about"] == {"machine": "this one"} and fields["errors"] == {"ours": 2}
    section = fields["sections"]["The relay"]
    (row,) = section["rows"]
    assert row["values"] == {"ours": [300.0, 400.0], "naive": [20.0, 20.0]}
    assert row["ratios"] == {"naive": {"middle": 17.5, "least": 15.0, "most": 20.0}}
    assert row["bounds"] == [
        {"limit": 14, "against": "naive", "at_least": True, "value": 17.5, "verdict": "met"},
        {"limit": 100, "against": None, "at_least": False, "value": 350.0, "verdict": "missed"},
    ]
    assert section["notes"] == ["on a scripted upstream"]
