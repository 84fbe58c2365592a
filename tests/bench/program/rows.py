"""The figures of whole programs on a scripted engine."""

from __future__ import annotations

from tests.bench.bound import Bound
from tests.bench.section import Row

_READY = (Bound(20),)

ROWS: tuple[Row, ...] = (
    Row("RSS idle, all its processes", "MB", "idle", bounds=(Bound(80),)),
    Row("RSS per open stream", "KB", "per stream", bounds=(Bound(40),)),
    Row("RSS per idle connection", "KB", "per connection", bounds=(Bound(15),)),
    Row("cancel until the upstream knows p50", "ms", "cancel p50"),
    Row("cancel until the upstream knows, max", "ms", "cancel max"),
    Row("ready to first upstream byte p50, readiness told", "ms", "told p50"),
    Row("ready to first upstream byte p99, readiness told", "ms", "told p99", bounds=_READY),
    Row("ready to first upstream byte p50, readiness probed", "ms", "probed p50"),
    Row("ready to first upstream byte p99, readiness probed", "ms", "probed p99", bounds=_READY),
    Row("stop at rest", "ms", "stop at rest"),
    Row("stop with streams open, 3 s of grace included", "ms", "stop open"),
)
