"""A model that occupies memory, seen from the planner."""

from __future__ import annotations

from enum import Enum, auto

from attrs import frozen

from llama_runner.memory.amounts import Amounts


class Phase(Enum):
    """How far a resident model is from serving."""

    STARTING = auto()
    READY = auto()
    STOPPING = auto()


@frozen(kw_only=True)
class Resident:
    """What the planner knows of a model that is starting, ready or stopping.

    ``slots`` bounds the leases: what the engine cannot decode in parallel
    waits with us, where it can still be cancelled without touching it.
    ``since`` is when it became ready, ``last_used`` when it last gave a lease back.
    It is idle for ``keep_alive`` seconds at most, without end if that is None.
    ``cost`` is what it takes to bring back what an eviction would lose, in seconds.
    ``client`` was the last to be served by it. It has ``returned`` if it was asked for again
    soon after it had been stopped. It is unwanted since ``unwanted``: whoever did not come
    before is not served by it.
    """

    footprint: Amounts
    phase: Phase
    slots: int = 1
    leases: int = 0
    last_used: float = 0.0
    since: float = 0.0
    pinned: bool = False
    keep_alive: float | None = None
    cost: float = 0.0
    client: str = ""
    returned: bool = False
    unwanted: float | None = None

    @property
    def busy(self) -> bool:
        """Whether it must load, or answer, to the end before it can make room."""
        return bool(self.leases) or self.phase is Phase.STARTING

    def serves(self, since: float) -> bool:
        """Tell whether it still serves a request that came at this time."""
        return self.unwanted is None or since < self.unwanted

    @property
    def idle_since(self) -> float:
        """Since when it would be idle, if nobody holds a lease."""
        return max(self.last_used, self.since)

    def expires_in(self, now: float) -> float | None:
        """Return for how many more seconds it stays, None for as long as there is room."""
        if self.keep_alive is None or self.pinned:
            return None
        idle = 0.0 if self.leases else now - self.idle_since
        return max(0.0, self.keep_alive - idle)
