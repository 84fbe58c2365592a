"""Telling a process from a later one that was given its number."""

from __future__ import annotations

from contextlib import suppress

import psutil

# The clock that start times are reckoned by may have been set meanwhile.
TOLERANCE = 1.0


def start_of(pid: int) -> float:
    """Return when the process with this number started, in Unix time.

    Raises:
        psutil.Error: there is none.
    """
    return float(psutil.Process(pid).create_time())


def lives(pid: int, started: float) -> bool:
    """Report whether the process with this number and this start still runs."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return not ended and abs(process.create_time() - started) < TOLERANCE
    return False
