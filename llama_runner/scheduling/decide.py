"""Decide who is served, who is loaded and who must go. No I/O, no clock, no trio.

docs/ARCHITECTURE.md tells the rules in words, and the bound of a wait that follows from them.
"""

from __future__ import annotations

from collections import Counter
from math import inf

from attrs import define, field

from llama_runner.memory.amounts import Amounts, total
from llama_runner.scheduling.drain import Drain, draining_for, overdue_at
from llama_runner.scheduling.plan import Plan, Reason, Refusal
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Situation
from llama_runner.scheduling.ticket import Ticket, in_order
from llama_runner.scheduling.victims import cheapest, shortfall

LOOK_SOON = 0.05
"""Seconds after which memory is looked at again that a child which has ended still owes."""
LOOK_AGAIN = 1.0
"""Seconds after which it is looked at again for somebody who waits, lest others have freed it."""

LINGERS = 2.0
"""Loads of an idle resident for which it is kept, though another model needs its memory."""


def decide(situation: Situation) -> Plan:
    """Plan the next steps."""
    draft = _Draft(situation)
    line = in_order(situation.waiting)
    for ticket in line:
        draft.load(ticket)
    drain = draft.drain()
    for ticket in line:
        draft.grant(ticket, drain)
    draft.make_room()
    draft.expire()
    return draft.plan()


@define(eq=False)
class _Draft:
    """The plan in the making.

    ``_short`` is the first ticket whose model finds no room: what is free is kept for
    it, and only for it is room made, so that a row of small loads cannot starve a large one.
    """

    _now: Situation
    _free: Amounts = field(init=False)
    _grants: list[Ticket] = field(factory=list, init=False)
    _evictions: tuple[str, ...] = field(default=(), init=False)
    _expiries: list[str] = field(factory=list, init=False)
    _starts: dict[str, Ticket] = field(factory=dict, init=False)
    _refusals: list[Refusal] = field(factory=list, init=False)
    _granted: Counter[str] = field(factory=Counter, init=False)
    _short: Ticket | None = field(default=None, init=False)
    _missing: Amounts = field(factory=Amounts, init=False)
    _look_again: float = field(default=inf, init=False)

    def __attrs_post_init__(self) -> None:
        self._free = self._now.free

    def load(self, ticket: Ticket) -> None:
        """Start the ticket's model, refuse it, or note that room must be made for it."""
        model = ticket.model
        if model in self._now.residents or model in self._starts:
            return
        need = self._now.need(model)
        if not need.fits(self._now.most):
            self._refusals.append(Refusal(ticket, Reason.TOO_LARGE))
        elif self._now.starts_at(model) > self._now.now:
            self._again_at(self._now.starts_at(model))
        elif need.fits(self._free):
            self._starts[model] = ticket
            self._free -= need
        elif self._short is None:
            self._fall_short(ticket, need)

    def _fall_short(self, ticket: Ticket, need: Amounts) -> None:
        started = total(self._now.need(model) for model in self._starts)
        missing = shortfall(need, self._now.coming - started)
        movable = [
            key
            for key, found in self._now.residents.items()
            if not (found.pinned or ticket.yields or found.phase is Phase.STOPPING)
        ]
        if not missing.fits(self._now.held_by(movable) + started):
            self._wait_for_others(ticket)
            return
        owed = self._now.budget.owed.by_device and not missing.by_device
        self._again_at(self._now.now + (LOOK_SOON if owed else LOOK_AGAIN))
        self._short, self._missing = ticket, missing
        self._free -= need

    def _wait_for_others(self, ticket: Ticket) -> None:
        """Wait for a while for memory that is not ours to give."""
        latest = ticket.since + self._now.rules.memory_wait
        if ticket.yields or latest <= self._now.now:
            self._refusals.append(Refusal(ticket, Reason.NO_ROOM))
        else:
            self._again_at(min(latest, self._now.now + LOOK_AGAIN))

    def drain(self) -> Drain | None:
        """Return what takes no new leases, because a ticket has waited for it long enough."""
        if self._short is None or not self._missing.by_device:
            return None
        drain, again_at = draining_for(self._short, self._missing, self._now)
        self._again_at(again_at)
        return drain

    def grant(self, ticket: Ticket, drain: Drain | None) -> None:
        """Serve the ticket if its model is ready and a slot is free."""
        model = ticket.model
        resident = self._now.residents.get(model)
        if resident is None or resident.phase is not Phase.READY:
            return
        if resident.leases + self._granted[model] >= resident.slots:
            return
        if resident.serves(ticket.since) and (drain is None or drain.lets(ticket)):
            self._granted[model] += 1
            self._grants.append(ticket)

    def make_room(self) -> None:
        """Evict what is idle, if that is enough for the ticket that falls short."""
        if self._missing.by_device:
            idle = {key: found for key, found in self._idle().items() if not self._lingers(found)}
            held = {key: self._now.held_by([key]) for key in idle}
            self._evictions = cheapest(idle, held, self._missing) or ()

    def expire(self) -> None:
        """Stop what has been idle for longer than it is to be kept."""
        for key, resident in self._idle().items():
            if resident.keep_alive is None or key in self._evictions:
                continue
            until = resident.idle_since + resident.keep_alive
            if until <= self._now.now:
                self._expiries.append(key)
            else:
                self._again_at(until)

    def _lingers(self, resident: Resident) -> bool:
        """Tell whether an idle resident is still kept for a moment, as it may be asked again.

        It is for a few times what bringing it back would take, so that models which are
        asked in turns are not loaded for every request; but for no one who is overdue. A
        client that asked it last has moved on to another model, unless it came back before.
        """
        now, short = self._now.now, self._short
        until = resident.last_used + LINGERS * resident.cost
        if short is None or not resident.last_used or until <= now:
            return False
        moved_on = resident.client == short.client and not resident.returned
        if moved_on or overdue_at(short, self._now) <= now:
            return False
        self._again_at(until)
        return True

    def _idle(self) -> dict[str, Resident]:
        return {
            key: resident
            for key, resident in self._now.residents.items()
            if resident.phase is Phase.READY
            and not (resident.leases or resident.pinned or self._granted[key])
        }

    def _again_at(self, time: float) -> None:
        self._look_again = min(self._look_again, time)

    def plan(self) -> Plan:
        """Return what was decided."""
        return Plan(
            tuple(self._grants),
            self._evictions,
            tuple(self._expiries),
            tuple(self._starts.values()),
            tuple(self._refusals),
            self._look_again,
        )
