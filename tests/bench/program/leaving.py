"""How soon a client's leaving reaches the scripted upstream."""

from __future__ import annotations

import time

from tests.bench.asking import leave_after, told_by
from tests.bench.process import Served
from tests.bench.relay.rows import PACE

EVENTS_BEFORE_LEAVING = 3
NOTICED_WITHIN = 10.0
LONG = {"messages": [], "bench_tokens": 10_000, "bench_rate": PACE}


def cancel(target: Served) -> float:
    """Leave a stream in its midst; return after how many milliseconds the upstream knew."""
    upstream = target.upstream
    assert upstream is not None
    before = told_by(upstream)["broken_off"]
    left = leave_after(target, LONG, EVENTS_BEFORE_LEAVING)
    end = time.monotonic() + NOTICED_WITHIN
    while (now := told_by(upstream))["broken_off"] == before:
        if time.monotonic() > end:
            return 1e3 * NOTICED_WITHIN
        time.sleep(0.002)
    return (int(now["broken_off_at"]) - left) / 1e6
