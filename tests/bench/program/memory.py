"""What a relay keeps in memory: idle, for each open stream, for each idle connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psutil

from tests.bench.process import Served, resident_bytes
from tests.bench.tools.loading import NOTHING, Shape, under_load

OPENING = 2.0
"""Seconds in which the streams are opened."""


def megabytes(processes: Iterable[psutil.Process]) -> float:
    """Return what several processes have in RAM."""
    return sum(map(resident_bytes, processes)) / 1e6


def kilobytes_per_stream(load: Sequence[str], target: Served, streams: int) -> float:
    """Return what one open stream costs where there are so many."""
    with under_load(load, target, Shape(streams=1, tokens=1), 0.1, 0.1):
        before = _resident(target)
    with under_load(load, target, Shape(streams=streams, rate=1), OPENING, 0.2):
        return (_resident(target) - before) / streams / 1e3


def kilobytes_per_connection(load: Sequence[str], target: Served, connections: int) -> float:
    """Return what one idle connection costs where there are so many."""
    before = _resident(target)
    with under_load(load, target, Shape(streams=connections, tokens=NOTHING), 0.5, 0.1):
        return (_resident(target) - before) / connections / 1e3


def _resident(target: Served) -> int:
    assert target.process is not None
    return resident_bytes(target.process)
