"""A model that occupies memory, seen from the planner."""

from __future__ import annotations

from enum import Enum, auto

from attrs import frozen


class Phase(Enum):
    """How far a resident model is from serving."""

    STARTING = auto()
    READY = auto()
    STOPPING = auto()


@frozen
class Resident:
    """What the planner knows of a model that is starting, ready or stopping.

    ``slots`` bounds the leases: what the engine cannot decode in parallel
    waits with us, where it can still be cancelled without touching it.
    """

    footprint: int
    phase: Phase
    slots: int = 1
    leases: int = 0
    last_used: float = 0.0
