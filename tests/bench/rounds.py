"""Measures every shape on every variant, again and again, in an order left to chance."""

from __future__ import annotations

import json
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from tests.bench.arithmetic import Ratio, added, middle, ratio
from tests.bench.loading import Seen, Shape, under_load
from tests.bench.process import Served
from tests.bench.rows import BEYOND_NAIVE, SHAPES, Row

DIRECT, NAIVE = "direct", "naive"
SETTLED_WITHIN = 1.0
POLL = 0.01


@define(eq=False)
class Rounds:
    """Everything seen so far: for each shape and variant, one of each repetition."""

    load: Sequence[str]
    variants: Mapping[str, Served]
    warm: float
    measured: float
    shapes: Mapping[str, Shape] = field(factory=lambda: SHAPES)
    seen: dict[tuple[str, str], list[Seen | None]] = field(factory=dict, init=False)

    def measure(self) -> None:
        """Measure everything once more."""
        for shape in shuffled(self.shapes):
            for variant in shuffled(self.variants):
                left_out = variant == NAIVE and shape in BEYOND_NAIVE
                seen = None if left_out else self._measure(variant, shape)
                self.seen.setdefault((shape, variant), []).append(seen)

    @property
    def errors(self) -> Mapping[str, int]:
        """How many answers of each variant were not what they should be, if any."""
        errors: Counter[str] = Counter()
        for (_, variant), each in self.seen.items():
            errors[variant] += sum(seen.errors for seen in each if seen)
        return +errors

    def values(self, row: Row, variant: str) -> list[float | None]:
        """Return a row's value of each repetition."""
        values = self._facts(row, variant)
        if not row.added:
            return values
        direct = self._facts(row, DIRECT)
        return [added(value, less) for value, less in zip(values, direct, strict=True)]

    def middle(self, row: Row, variant: str) -> float | None:
        """Return a row's median value."""
        return middle(self.values(row, variant))

    def ratio(self, row: Row, variant: str, yardstick: str) -> Ratio | None:
        """Return how a row's values compare to the yardstick's."""
        return ratio(self.values(row, variant), self.values(row, yardstick))

    def _facts(self, row: Row, variant: str) -> list[float | None]:
        return [seen.fact(row.fact) if seen else None for seen in self.seen[row.shape, variant]]

    def _measure(self, variant: str, shape: str) -> Seen:
        target, upstream = self.variants[variant], self.variants[DIRECT]
        # The yardstick forgets an answer now and then when its client leaves.
        forgotten = counts(upstream)["busy"]
        with under_load(self.load, target, self.shapes[shape], self.warm, self.measured) as seen:
            pass
        settle(upstream, forgotten)
        return seen


def shuffled(names: Mapping[str, Any]) -> list[str]:
    """Return the names in another order each time."""
    return random.sample(list(names), len(names))


def settle(upstream: Served, forgotten: int = 0) -> None:
    """Wait until no more than what was forgotten is being answered."""
    end = time.monotonic() + SETTLED_WITHIN
    while counts(upstream)["busy"] > forgotten and time.monotonic() < end:
        time.sleep(POLL)


def counts(upstream: Served) -> dict[str, Any]:
    """Return what the upstream has counted."""
    url = f"http://{upstream.host}:{upstream.port}/"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
        told: dict[str, Any] = json.load(answer)
    return told
