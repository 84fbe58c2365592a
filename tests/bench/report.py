"""Tells what was measured, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from tests.bench.arithmetic import Ratio
from tests.bench.rounds import Rounds
from tests.bench.rows import ROWS

OURS = "ours"
YARDSTICKS = ("naive", "floor")


@frozen
class Measured:
    """One run: the rounds, the footprints by variant, and what must be known beside them."""

    rounds: Rounds
    footprints: Mapping[str, Mapping[str, float]]
    about: Mapping[str, str]


def as_fields(measured: Measured) -> dict[str, Any]:
    """Return everything for a program to read."""
    rounds = measured.rounds
    rows = []
    for row in ROWS:
        values = {variant: rounds.values(row, variant) for variant in rounds.variants}
        ratios = {against: rounds.ratio(row, OURS, against) for against in YARDSTICKS}
        told = {against: asdict(found) for against, found in ratios.items() if found}
        rows.append({"name": row.name, "unit": row.unit, "values": values, "ratios": told})
    return {
        "about": dict(measured.about),
        "errors": dict(rounds.errors),
        "rows": rows,
        "footprints": {name: dict(rows) for name, rows in measured.footprints.items()},
    }


def as_text(measured: Measured) -> str:
    """Return two tables in Markdown, which are readable as they are."""
    about = [f"{name}: {value}" for name, value in measured.about.items()]
    errors = measured.rounds.errors.items()
    trouble = [f"{count} answers of {name} were not what they should be" for name, count in errors]
    rounds, footprints = _rounds(measured.rounds), _footprints(measured.footprints)
    tables = (
        [_table(list(rounds)), _table(list(footprints))]
        if measured.footprints
        else [_table(list(rounds))]
    )
    return "\n\n".join(["\n".join((*about, *trouble)), *tables])


def _rounds(rounds: Rounds) -> Iterator[Sequence[str]]:
    yield ("", *rounds.variants, *(f"ours / {name}" for name in YARDSTICKS))
    for row in ROWS:
        name = f"{row.name} ({row.unit})" if row.unit else row.name
        values = [_number(rounds.middle(row, variant)) for variant in rounds.variants]
        ratios = [_spread(rounds.ratio(row, OURS, against)) for against in YARDSTICKS]
        yield (name, *values, *ratios)


def _footprints(footprints: Mapping[str, Mapping[str, float]]) -> Iterator[Sequence[str]]:
    yield ("", *footprints)
    for name in next(iter(footprints.values())):
        yield (name, *(_number(rows.get(name)) for rows in footprints.values()))


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


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
