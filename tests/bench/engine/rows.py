"""The figures of the whole program on a real engine."""

from __future__ import annotations

from tests.bench.bound import Bound
from tests.bench.section import DIRECT, Row

TOKENS = 32
"""Of each answer."""
_COLD = (Bound(1.05, DIRECT),)

ROWS: tuple[Row, ...] = (
    Row("first byte", "ms", "first"),
    Row("added first byte", "ms", "first", added=True),
    Row("one token", "ms", "token"),
    Row("added per token", "ms", "token", added=True),
    Row(f"joined answer of {TOKENS} tokens", "ms", "joined"),
    Row("added to a joined answer", "ms", "joined", added=True),
    Row("cold start to the end of one token", "ms", "cold", bounds=_COLD),
    Row("cancel in decode until the slot is idle p50", "ms", "decode p50"),
    Row("cancel in decode until the slot is idle, max", "ms", "decode max"),
    Row("cancel in prefill until the slot is idle p50", "ms", "prefill p50"),
    Row("cancel in prefill until the slot is idle, max", "ms", "prefill max"),
)
