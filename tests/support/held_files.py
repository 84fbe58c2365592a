"""How many files and sockets a process holds open."""

from __future__ import annotations

import os
import sys

import psutil


def held_files(pid: int | None = None) -> int:
    """Return how many descriptors, on Windows handles, a process has; by default this one."""
    process = psutil.Process(os.getpid() if pid is None else pid)
    if sys.platform == "win32":
        return process.num_handles()
    return process.num_fds()
