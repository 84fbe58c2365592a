"""One part of the measurement: its rows, and what was seen of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field, frozen

from tests.bench.arithmetic import Ratio, added, middle, ratio
from tests.bench.bound import Bound, Verdict

DIRECT = "direct"
"""The column of what is asked without us in between."""

Values = Sequence[float | None]
"""One of each repetition."""


@frozen
class Row:
    """One line of a table: a fact ``of`` something, less the direct one if it is ``added``."""

    name: str
    unit: str
    fact: str
    of: str = ""
    """The shape of load or the offender; nothing where there is only one."""
    added: bool = False
    bounds: tuple[Bound, ...] = ()
    more_is_better: bool = False


@define(eq=False)
class Facts:
    """What was seen so far: of what, which fact, in which column."""

    _seen: dict[tuple[str, str], dict[str, list[float | None]]] = field(factory=dict, init=False)

    def note(self, of: str, fact: str, column: str, value: float | None) -> None:
        """Note the value of one more repetition."""
        self._seen.setdefault((of, fact), {}).setdefault(column, []).append(value)

    def values(self, row: Row) -> Mapping[str, Values]:
        """Return a row's values by column."""
        seen = self._seen.get((row.of, row.fact), {})
        if not row.added:
            return seen
        direct = seen.get(DIRECT, [])
        return {
            column: [added(value, less) for value, less in zip(values, direct, strict=True)]
            for column, values in seen.items()
        }


@frozen
class Finding:
    """A row and what was seen of it."""

    row: Row
    values: Mapping[str, Values]

    def middle(self, column: str) -> float | None:
        """Return the median of a column."""
        return middle(self.values.get(column, ()))

    def ratio(self, column: str, against: str) -> Ratio | None:
        """Return how a column compares to another, repetition by repetition."""
        if column not in self.values or against not in self.values:
            return None
        return ratio(self.values[column], self.values[against])

    def verdicts(self, column: str) -> Iterator[Verdict]:
        """Yield each bound with what a column has to set against it."""
        for bound in self.row.bounds:
            if bound.against is None:
                yield Verdict(bound, self.middle(column))
            else:
                compared = self.ratio(column, bound.against)
                yield Verdict(bound, compared.middle if compared else None)


@frozen(kw_only=True)
class Section:
    """A table: the bounds are about the ``subject``, whose ratios to ``against`` are told."""

    title: str
    columns: tuple[str, ...]
    subject: str
    against: tuple[str, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


def findings_of(rows: Sequence[Row], facts: Facts) -> tuple[Finding, ...]:
    """Return what was seen of each row."""
    return tuple(Finding(row, facts.values(row)) for row in rows)
