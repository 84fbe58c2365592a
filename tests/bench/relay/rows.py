"""What is asked for, and which figures are told of it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from tests.bench.bound import Bound
from tests.bench.section import Row
from tests.bench.tools.loading import Shape

PACE = 50
"""Tokens a second of a paced stream."""

SHAPES: Mapping[str, Shape] = {
    **{f"requests {n}": Shape(streams=n, tokens=1) for n in (1, 8, 64, 256)},
    **{f"paced {n}": Shape(streams=n, rate=PACE, lasts=2.0) for n in (1, 8, 64)},
    # Its start alone keeps a relay busy for a while, and its p99 wants many chunks.
    "paced 256": Shape(streams=256, rate=PACE, lasts=4.0),
    **{f"flat out {n}": Shape(streams=n) for n in (8, 64)},
    "joined 8": Shape(streams=8, tokens=64, streamed=False),
}

BEYOND_NAIVE = frozenset({"paced 256"})
"""What the yardstick cannot keep up with: nothing can be told as a ratio to it."""

Bounds = tuple[Bound, ...]


def _naive(limit: float) -> Bound:
    return Bound(limit, "naive")


def _naive_at_least(limit: float) -> Bound:
    return Bound(limit, "naive", at_least=True)


_FIRST_BYTE: Bounds = (_naive(0.2),)
_TEN_MS: Bounds = (Bound(10_000),)

# By the number of streams.
_REQUEST_COST: Mapping[int, Bounds] = dict.fromkeys((1, 8, 64), (_naive(0.2), Bound(3.0, "floor")))
_CHUNK_COST: Mapping[int, Bounds] = {1: (_naive(0.5),), 8: (), 64: (_naive(0.32),), 256: ()}
_CHUNKS: Mapping[int, Bounds] = {8: (_naive_at_least(27),), 64: (_naive_at_least(19),)}
# This bound was made from a figure of 64 streams. A single one waits for the upstream most
# of the time, so that not even the floor is as far from the yardstick there.
_REQUESTS: Mapping[int, Bounds] = {1: (), 8: (), 64: (_naive_at_least(14),), 256: ()}


def _per_chunk(streams: int, share: int, bounds: Bounds = ()) -> Row:
    name = f"added per chunk p{share}, {streams} streams"
    return Row(name, "µs", f"delay_p{share}", f"paced {streams}", added=True, bounds=bounds)


def _first_byte(share: int) -> Row:
    name, fact = f"added first byte p{share}", f"first_p{share}"
    return Row(name, "µs", fact, "requests 1", added=True, bounds=_FIRST_BYTE)


def _each(name: str, fact: str, shape: str, bounds: Mapping[int, Bounds]) -> list[Row]:
    """Return one row for each number of streams in ``bounds``."""
    unit = "µs" if fact.endswith("_cost") else ""
    return [
        Row(f"{name}, {n}", unit, fact, f"{shape} {n}", bounds=which, more_is_better=not unit)
        for n, which in bounds.items()
    ]


ROWS: tuple[Row, ...] = (
    _first_byte(50),
    _first_byte(99),
    _per_chunk(8, 50),
    _per_chunk(8, 99),
    _per_chunk(256, 50),
    _per_chunk(256, 99, _TEN_MS),
    *_each("CPU per request", "request_cost", "requests", _REQUEST_COST),
    *_each("CPU per chunk", "chunk_cost", "paced", _CHUNK_COST),
    *_each("chunks/s", "chunks", "flat out", _CHUNKS),
    *_each("requests/s", "requests", "requests", _REQUESTS),
    *_each("joined answers/s", "requests", "joined", {8: ()}),
    *_each("CPU per joined answer", "request_cost", "joined", {8: ()}),
)


def ahead_of(row: Row, peer: str) -> Row:
    """Return the row with one more bound: to be ahead of another program."""
    ahead = Bound(1.0, peer, at_least=row.more_is_better)
    return evolve(row, bounds=(*row.bounds, ahead))
