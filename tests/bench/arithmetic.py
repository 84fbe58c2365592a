"""What is made of measured numbers."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from attrs import frozen


@frozen
class Ratio:
    """The quotients of several repetitions: their median, and how far they spread."""

    middle: float
    least: float
    most: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value at this share of the sorted ones, by nearest rank."""
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1) + 0.5)]


def middle(values: Sequence[float | None]) -> float | None:
    """Return the median of those that were measured."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def added(value: float | None, direct: float | None) -> float | None:
    """Return what a relay adds to the direct connection; noise may not make it negative."""
    if value is None or direct is None:
        return None
    return max(0.0, value - direct)


def ratio(values: Sequence[float | None], yardsticks: Sequence[float | None]) -> Ratio | None:
    """Return how the values of each repetition compare to that repetition's yardstick."""
    quotients = [
        value / yardstick
        for value, yardstick in zip(values, yardsticks, strict=True)
        if value is not None and yardstick
    ]
    if not quotients:
        return None
    return Ratio(median(quotients), min(quotients), max(quotients))
