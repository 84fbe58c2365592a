"""Waiting for a child process to exit without reaping it (POSIX).

While the leader of a group is a zombie its number cannot be given to another
process, so the group can be killed by that number without hitting a stranger.
Trio's own wait reaps, so it comes last.
"""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

import trio

assert sys.platform != "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

# Each waiter may block a thread for as long as its child lives; the default
# limit of 40 is for work that ends.
_waiters = trio.CapacityLimiter(math.inf)


async def wait_exited(pid: int) -> int:
    """Return the exit code of our child, as subprocess counts it, and leave it unreaped."""
    if not await _wait_by_descriptor(pid):
        await trio.to_thread.run_sync(_block, pid, abandon_on_cancel=True, limiter=_waiters)
    return _look(pid)


async def _wait_by_descriptor(pid: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        # An old kernel, a sandbox that forbids it, or no descriptor left.
        return False
    try:
        await trio.lowlevel.wait_readable(descriptor)
    finally:
        os.close(descriptor)
    return True


def _block(pid: int) -> None:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def _look(pid: int) -> int:
    # It has exited, so this does not block; macOS may need an instant to admit it.
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found is not None  # noqa: S101 - only WNOHANG gives None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
