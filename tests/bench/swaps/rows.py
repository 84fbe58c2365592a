"""The figures of a trace in which models are swapped."""

from __future__ import annotations

from tests.bench.bound import Bound
from tests.bench.section import Row
from tests.bench.variants import OURS

ROUTER, FEWEST = "router", "fewest"
"""The columns beside ours: llama-server's router, and the fewest loads possible.

The router has no bound for a wait: it goes on with a model for as long as anybody asks for
it, and so can do with fewer loads than the fewest with which nobody waits too long.
"""
COLUMNS = (ROUTER, OURS, FEWEST)
_AHEAD = (Bound(1.0, ROUTER),)

ROWS: tuple[Row, ...] = (
    Row("loads", "", "loads", bounds=(Bound(1.2, FEWEST),)),
    Row("requests answered", "%", "answered", bounds=(Bound(100, at_least=True),)),
    Row("wait for the first token p50", "s", "wait p50"),
    Row("wait for the first token p95", "s", "wait p95", bounds=_AHEAD),
    Row("wait for the first token, max", "s", "wait max", bounds=_AHEAD),
)
