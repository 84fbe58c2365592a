"""The machine on which it is measured, and who else used it meanwhile."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime

import psutil
import trio
from attrs import field, frozen

CORES = os.cpu_count() or 1
BUSY = ("user", "nice", "system", "irq", "softirq")
"""What psutil calls it; not all of it is told on every system."""


@frozen
class Watch:
    """Sees how much of the processor others take from now on."""

    _began: float = field(factory=time.monotonic, init=False)
    _busy: float = field(factory=lambda: _busy(), init=False)
    _ours: float = field(factory=lambda: _ours(), init=False)

    def told(self) -> str:
        """Return how long it took, and what others did."""
        seconds = time.monotonic() - self._began
        others = (_busy() - self._busy - (_ours() - self._ours)) / seconds / CORES
        return f"{seconds:.0f} s, in which others used {max(0.0, others):.0%} of the processor"


def machine() -> dict[str, str]:
    """Return what must be known beside any figure."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": f"{platform.system()} {platform.machine()}, {CORES} cores",
        "python": f"{platform.python_version()}, trio {trio.__version__}",
    }


def _busy() -> float:
    """Return the seconds of processor time that were used by anybody."""
    times = psutil.cpu_times()
    return sum(float(getattr(times, kind, 0.0)) for kind in BUSY)


def _ours() -> float:
    """Return the seconds that we, and all who came of us and have ended, have used."""
    return sum(os.times()[:4])
