"""How many files and connections the system lets us have open."""

from __future__ import annotations

import sys
from contextlib import suppress
from math import inf


def allow_open_files(wanted: int) -> float:
    """Ask for room for ``wanted`` open files; return how many there may be.

    The limit is soft, and low for programs that cannot deal with more; POSIX lets
    us raise it up to the hard one. Windows has none.
    """
    if sys.platform == "win32":
        return inf
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _count(soft)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(ValueError, OSError):  # macOS allows fewer than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _count(limit: int) -> float:
    # What stands for "no limit" is a negative number on some systems.
    return inf if limit < 0 else limit
