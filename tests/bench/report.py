"""Tells what was measured, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from tests.bench.arithmetic import Ratio
from tests.bench.bound import Verdict
from tests.bench.section import Finding, Section


@frozen
class Measured:
    """One run: its sections, whose answers were wrong how often, and what must be known."""

    sections: Sequence[Section]
    errors: Mapping[str, int]
    about: Mapping[str, str]


def as_fields(measured: Measured) -> dict[str, Any]:
    """Return everything for a program to read."""
    return {
        "about": dict(measured.about),
        "errors": dict(measured.errors),
        "sections": {
            section.title: {
                "rows": [_row_fields(section, finding) for finding in section.findings],
                "notes": list(section.notes),
            }
            for section in measured.sections
        },
    }


def _row_fields(section: Section, finding: Finding) -> dict[str, Any]:
    ratios = {name: finding.ratio(section.subject, name) for name in section.against}
    bounds = [
        {**asdict(verdict.bound), "value": verdict.value, "verdict": verdict.word}
        for verdict in finding.verdicts(section.subject)
    ]
    return {
        "name": finding.row.name,
        "unit": finding.row.unit,
        "values": {name: list(values) for name, values in finding.values.items()},
        "ratios": {name: asdict(found) for name, found in ratios.items() if found},
        "bounds": bounds,
    }


def as_text(measured: Measured) -> str:
    """Return tables in Markdown, which are readable as they are."""
    about = [f"{name}: {value}" for name, value in measured.about.items()]
    errors = measured.errors.items()
    trouble = [f"{count} answers of {name} were not what they should be" for name, count in errors]
    parts = ["\n".join((*about, *trouble, *_summary(measured)))]
    for section in measured.sections:
        parts += [f"## {section.title}", _table(list(_lines(section)))]
        parts += ["\n".join(section.notes)] if section.notes else []
    return "\n\n".join(parts)


def _summary(measured: Measured) -> Iterator[str]:
    """Say plainly how many bounds were met, and which were not."""
    told: dict[str, list[str]] = {"met": [], "missed": [], "not measured": []}
    for section in measured.sections:
        for finding in section.findings:
            for verdict in finding.verdicts(section.subject):
                told[verdict.word].append(f"{finding.row.name} {_told(verdict)}")
    yield "bounds: " + ", ".join(f"{len(names)} {word}" for word, names in told.items())
    for word in ("missed", "not measured"):
        yield from (f"{word}: {name}" for name in told[word])


def _told(verdict: Verdict) -> str:
    return f"{_number(verdict.value)} ({verdict.bound})"


def _lines(section: Section) -> Iterator[Sequence[str]]:
    ratios = [f"{section.subject} / {name}" for name in section.against]
    yield ("", *section.columns, *ratios, "bound")
    for finding in section.findings:
        row = finding.row
        yield (
            f"{row.name} ({row.unit})" if row.unit else row.name,
            *(_number(finding.middle(column)) for column in section.columns),
            *(_spread(finding.ratio(section.subject, name)) for name in section.against),
            "; ".join(map(str, finding.verdicts(section.subject))),
        )


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _spread(found: Ratio | None) -> str:
    if found is None:
        return "–"
    return f"{found.middle:.2f} ({found.least:.2f} to {found.most:.2f})"


def _table(rows: list[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first, *rest = [
        [
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    rule = ["-" * (width - 1) + (":" if at else "-") for at, width in enumerate(widths)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (first, rule, *rest))
