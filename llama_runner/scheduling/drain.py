"""Who takes no new leases, so that a ticket which has waited long enough gets its memory."""

from __future__ import annotations

from collections.abc import Container, Mapping
from math import inf

from attrs import evolve, frozen

from llama_runner.memory.amounts import Amounts
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Situation
from llama_runner.scheduling.ticket import Ticket
from llama_runner.scheduling.victims import cheapest

BUSY = 86_400.0
"""Added to the cost of a resident that is not idle: its answers take nobody knows how long."""


@frozen
class Drain:
    """The residents in the way of one ticket."""

    ticket: Ticket
    residents: frozenset[str]

    def lets(self, other: Ticket) -> bool:
        """Tell whether another ticket may still be served: only if it is not behind this one.

        Otherwise a model that was just loaded for the older of two could be drained for
        the younger before it has served anybody.
        """
        first = (other.turn, other.number) < (self.ticket.turn, self.ticket.number)
        return first or other.model not in self.residents


def overdue_at(ticket: Ticket, situation: Situation) -> float:
    """Return when patience with what is in the way of ``ticket`` ends.

    It is the first of those that wait for memory. As soon as any of them has waited for
    long enough it gets its turn: they are served in their order, so it holds up the others.
    """
    residents = situation.residents
    waiting = (other.since for other in situation.waiting if other.model not in residents)
    return min(waiting, default=ticket.since) + situation.rules.patience


def in_the_way(situation: Situation, phases: Container[Phase]) -> dict[str, Resident]:
    """Return the residents that could make room, those dearest that are not idle."""
    return {
        key: evolve(resident, cost=resident.cost + BUSY) if resident.busy else resident
        for key, resident in situation.residents.items()
        if resident.phase in phases and not resident.pinned
    }


def draining_for(
    ticket: Ticket, missing: Amounts, situation: Situation
) -> tuple[Drain | None, float]:
    """Return what drains for a ticket, and when to look again, since time alone changes that."""
    due = overdue_at(ticket, situation)
    if due > situation.now:
        return None, due
    ready = in_the_way(situation, [Phase.READY])
    held = {key: situation.held_by([key]) for key in ready}
    fresh = _fresh(ready, situation)
    candidates = {key: found for key, found in ready.items() if key not in fresh}
    chosen = cheapest(candidates, held, missing)
    drain = None if chosen is None else Drain(ticket, frozenset(chosen))
    return drain, min(fresh.values(), default=inf)


def _fresh(ready: Mapping[str, Resident], situation: Situation) -> dict[str, float]:
    """Return until when residents may go on with what waits for them, undisturbed."""
    wanted = {ticket.model for ticket in situation.waiting}
    until = {key: ready[key].since + situation.rules.min_residency for key in wanted & ready.keys()}
    return {key: time for key, time in until.items() if time > situation.now}
