"""How long a load is likely to take that has never been seen."""

from __future__ import annotations

from llama_runner.memory.amounts import Amounts

BYTES_A_SECOND = 1_000_000_000
"""How fast a model is taken to load until it has been seen to."""


def likely_seconds(footprint: Amounts) -> float:
    """Return for how many seconds a model that will hold ``footprint`` is likely to load."""
    return sum(footprint.by_device.values()) / BYTES_A_SECOND
