"""What is asked for, and which figures are told of it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from tests.bench.loading import Shape

PACE = 50
"""Tokens a second of a paced stream."""

SHAPES: Mapping[str, Shape] = {
    **{f"requests {n}": Shape(streams=n, tokens=1) for n in (1, 8, 64, 256)},
    **{f"paced {n}": Shape(streams=n, rate=PACE, lasts=2.0) for n in (1, 8, 64, 256)},
    **{f"flat out {n}": Shape(streams=n) for n in (8, 64)},
    "joined 8": Shape(streams=8, tokens=64, streamed=False),
}

BEYOND_NAIVE = frozenset({"paced 256"})
"""What the yardstick cannot keep up with: nothing can be told as a ratio to it."""


@frozen
class Row:
    """One line of the table: a fact of one shape, less the direct one if it is ``added``."""

    name: str
    unit: str
    shape: str
    fact: str
    added: bool = False


ROWS: tuple[Row, ...] = (
    Row("added first byte p50", "µs", "requests 1", "first_p50", added=True),
    Row("added first byte p99", "µs", "requests 1", "first_p99", added=True),
    Row("added per chunk p50, 8 streams", "µs", "paced 8", "delay_p50", added=True),
    Row("added per chunk p99, 8 streams", "µs", "paced 8", "delay_p99", added=True),
    Row("added per chunk p50, 256 streams", "µs", "paced 256", "delay_p50", added=True),
    Row("added per chunk p99, 256 streams", "µs", "paced 256", "delay_p99", added=True),
    *(Row(f"CPU per request, {n}", "µs", f"requests {n}", "request_cost") for n in (1, 8, 64)),
    *(Row(f"CPU per chunk, {n}", "µs", f"paced {n}", "chunk_cost") for n in (1, 8, 64, 256)),
    *(Row(f"chunks/s, {n}", "", f"flat out {n}", "chunks") for n in (8, 64)),
    *(Row(f"requests/s, {n}", "", f"requests {n}", "requests") for n in (1, 8, 64, 256)),
    Row("joined answers/s, 8", "", "joined 8", "requests"),
    Row("CPU per joined answer, 8", "µs", "joined 8", "request_cost"),
)
