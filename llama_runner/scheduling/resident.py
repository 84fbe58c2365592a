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

    @property
    def has_room(self) -> bool:
        """Whether it can take one more request now."""
        return self.phase is Phase.READY and self.leases < self.slots

    def with_leases(self, change: int, used: float | None = None) -> Resident:
        """Return it with more or fewer leases, used last at ``used`` if that is given.

        As ``evolve`` would, at a third of its cost: two of these are made for every request.
        """
        last_used = self.last_used if used is None else used
        leases = self.leases + change
        return Resident(self.footprint, self.phase, self.slots, leases, last_used)
