"""The loads so far in JSON fields, for the dashboard and the command line."""

from __future__ import annotations

from typing import Any

import trio

from llama_runner.lending.timeline import Timeline
from llama_runner.scheduling.trail import Trail


def timeline_fields(timeline: Timeline, epoch: float) -> dict[str, Any]:
    """Return every load that is remembered, the oldest first, and those in progress.

    Times are in seconds since 1970 (``epoch`` is that of trio's clock at zero), durations in
    seconds. The steps of a load follow each other without a gap.
    """
    now = trio.current_time()
    trails = (*timeline.over, *timeline.open.values())
    return {"loads": [_fields(trail, now, epoch) for trail in trails]}


def _fields(trail: Trail, now: float, epoch: float) -> dict[str, Any]:
    ended = trail.ended
    return {
        "model": trail.model,
        "client": trail.client,
        "requests": trail.requests,
        "began": round(epoch + trail.began, 6),
        "seconds": round((now if ended is None else ended) - trail.began, 6),
        "outcome": trail.outcome if ended is not None else f"in progress: {trail.step.value}",
        "steps": [
            {
                "name": span.step.value,
                "about": span.detail,
                "began": round(epoch + span.began, 6),
                "seconds": round(span.ended - span.began, 6),
            }
            for span in trail.spans
        ],
        "progress": [(round(epoch + at, 6), share) for at, share in trail.progress],
    }
