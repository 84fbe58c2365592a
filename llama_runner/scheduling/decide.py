"""Decide who is served, who is loaded and who must go. No I/O, no clock, no trio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, field

from llama_runner.scheduling.plan import Plan
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.ticket import Ticket


def decide(waiting: Sequence[Ticket], residents: Mapping[str, Resident], capacity: int) -> Plan:
    """Plan the next step for the tickets in ``waiting``, oldest first."""
    draft = _Draft(dict(residents), capacity)
    for ticket in waiting:
        draft.place(ticket)
    return draft.plan()


@define(eq=False)
class _Draft:
    """The plan in the making; ``_short`` once some ticket waits for memory."""

    _residents: dict[str, Resident]
    _capacity: int
    _grants: list[Ticket] = field(factory=list, init=False)
    _evictions: list[str] = field(factory=list, init=False)
    _starts: list[Ticket] = field(factory=list, init=False)
    _refusals: list[Ticket] = field(factory=list, init=False)
    _granted: dict[str, int] = field(factory=dict, init=False)
    _short: bool = field(default=False, init=False)

    def place(self, ticket: Ticket) -> None:
        """Serve the ticket, start its model, make room for it, or leave it waiting."""
        resident = self._residents.get(ticket.model)
        if resident is None:
            self._load(ticket)
        elif resident.phase is Phase.READY and ticket.model not in self._evictions:
            self._grant(ticket, resident)
        # Otherwise it is starting or stopping, and will plan again when it is done.

    def plan(self) -> Plan:
        """Return what was decided."""
        return Plan(
            tuple(self._grants),
            tuple(self._evictions),
            tuple(self._starts),
            tuple(self._refusals),
        )

    def _grant(self, ticket: Ticket, resident: Resident) -> None:
        granted = self._granted.get(ticket.model, 0)
        if resident.leases + granted < resident.slots:
            self._granted[ticket.model] = granted + 1
            self._grants.append(ticket)

    def _load(self, ticket: Ticket) -> None:
        if ticket.footprint > self._capacity:
            self._refusals.append(ticket)
        elif self._short:
            return  # an older ticket is waiting for memory; do not take it away
        elif ticket.footprint <= self._free:
            self._starts.append(ticket)
            self._residents[ticket.model] = Resident(ticket.footprint, Phase.STARTING)
        else:
            self._short = True
            self._evict(ticket.footprint - self._free - self._leaving)

    def _evict(self, shortfall: int) -> None:
        idle = sorted(
            (resident.last_used, key)
            for key, resident in self._residents.items()
            if resident.phase is Phase.READY and not resident.leases and key not in self._granted
        )
        for _, key in idle:
            if shortfall <= 0:
                return
            self._evictions.append(key)
            shortfall -= self._residents[key].footprint

    @property
    def _free(self) -> int:
        return self._capacity - sum(r.footprint for r in self._residents.values())

    @property
    def _leaving(self) -> int:
        return sum(r.footprint for r in self._residents.values() if r.phase is Phase.STOPPING)
