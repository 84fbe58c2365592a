"""What is asked for over Ollama's route, and which figures are told of it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.bound import Bound
from tests.bench.section import Row
from tests.bench.tools.loading import Shape

RELAYED, OLLAMA = "relayed", "ollama"
"""The columns: a stream that is passed on, and the same one translated."""
PACE = 50

SHAPES: Mapping[str, Shape] = {
    **{f"paced {n}": Shape(streams=n, rate=PACE, lasts=2.0) for n in (1, 8, 64)},
    "flat out 8": Shape(streams=8),
}
_COST = (Bound(1.5, RELAYED),)

ROWS: tuple[Row, ...] = (
    *(
        Row(f"CPU per chunk, {n}", "µs", "chunk_cost", f"paced {n}", bounds=_COST)
        for n in (1, 8, 64)
    ),
    Row("chunks/s, 8", "", "chunks", "flat out 8", more_is_better=True),
)
