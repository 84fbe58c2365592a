"""Measures every shape on every variant, again and again, in an order left to chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from tests.bench.asking import settle
from tests.bench.chance import shuffled
from tests.bench.process import Served, calm_down
from tests.bench.relay.rows import BEYOND_NAIVE, ROWS, SHAPES, ahead_of
from tests.bench.section import DIRECT, Facts, Section, findings_of
from tests.bench.tools.loading import FACTS, Seen, Shape, under_load
from tests.bench.variants import FLOOR, NAIVE, OURS, RELAYS


@frozen(kw_only=True)
class RelayEffort:
    """How long it is measured; times in seconds."""

    repetitions: int
    warm: float
    measured: float
    shapes: Mapping[str, Shape] = field(factory=lambda: SHAPES)


@define(eq=False)
class Rounds:
    """Everything seen so far of each shape and variant."""

    load: Sequence[str]
    variants: Mapping[str, Served]
    effort: RelayEffort
    facts: Facts = field(factory=Facts, init=False)
    errors: Counter[str] = field(factory=Counter, init=False)
    """How many answers of each variant were not what they should be."""

    def measure(self) -> None:
        """Measure everything once more."""
        for shape in shuffled(self.effort.shapes):
            for variant in shuffled(self.variants):
                left_out = variant == NAIVE and shape in BEYOND_NAIVE
                seen = None if left_out else self._measure(variant, shape)
                for fact in FACTS:
                    self.facts.note(shape, fact, variant, seen.fact(fact) if seen else None)
                self.errors[variant] += seen.errors if seen else 0

    def section(self) -> Section:
        """Return the table of what was seen."""
        rows = ROWS
        peers = [name for name in self.variants if name not in (DIRECT, *RELAYS)]
        for peer in peers:
            rows = tuple(ahead_of(row, peer) for row in rows)
        return Section(
            title="The relay on a scripted upstream",
            columns=tuple(self.variants),
            subject=OURS,
            against=(NAIVE, FLOOR, *peers),
            findings=findings_of(rows, self.facts),
        )

    def _measure(self, variant: str, shape: str) -> Seen:
        target, effort = self.variants[variant], self.effort
        # The yardstick forgets an answer now and then when its client leaves.
        with settle(target.upstream or target):
            load = under_load(self.load, target, effort.shapes[shape], effort.warm, effort.measured)
            with load as seen:
                pass
        if target.process is not None:
            calm_down(target.process)  # it may still see to what its clients have left behind
        return seen
