"""How long a ticket is likely to wait still. A guess for people, from what was measured before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from attrs import field, frozen

from llama_runner.memory.amounts import total
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Situation
from llama_runner.scheduling.ticket import Ticket, in_order


@frozen
class Forecast:
    """Seconds that a wait will take, as far as they can be told.

    It is ``open`` when it also hangs on answers that run: they are never cut off, and
    nobody knows how long they take.
    """

    seconds: float = 0.0
    open: bool = False


@frozen(kw_only=True)
class Pace:
    """What has been measured, in seconds by model; what is missing was never seen.

    ``loads`` holds what a start takes, ``left`` what a start in progress still does,
    ``answers`` how long a lease is held on average.
    """

    loads: Mapping[str, float] = field(factory=dict)
    left: Mapping[str, float] = field(factory=dict)
    answers: Mapping[str, float] = field(factory=dict)


def forecast(ticket: Ticket, situation: Situation, pace: Pace) -> Forecast:
    """Return how long ``ticket`` is likely to wait, with those before it served first."""
    line = in_order(situation.waiting)
    before = line[: line.index(ticket)]
    absent = _absent([*before, ticket], situation)
    loads = sum(pace.loads.get(model, 0.0) for model in absent)
    resident = situation.residents.get(ticket.model)
    if resident is not None and resident.phase is not Phase.STOPPING:
        return _in_turn(ticket, before, resident, pace)
    busy = {key: found for key, found in situation.residents.items() if found.leases}
    hindered = bool(busy) and not _fit(absent, situation)
    answers = max((pace.answers.get(key, 0.0) for key in busy), default=0.0) if hindered else 0.0
    return Forecast(loads + answers, hindered)


def _in_turn(ticket: Ticket, before: Iterable[Ticket], resident: Resident, pace: Pace) -> Forecast:
    """Return the wait for a slot of a model that is there, or on its way."""
    same = Counter(other.model for other in before)[ticket.model]
    behind = same + resident.leases - resident.slots + 1
    left = pace.left.get(ticket.model, 0.0) if resident.phase is Phase.STARTING else 0.0
    if behind <= 0:
        return Forecast(left)
    rounds = -(-behind // resident.slots)
    return Forecast(left + rounds * pace.answers.get(ticket.model, 0.0), open=True)


def _absent(tickets: Iterable[Ticket], situation: Situation) -> dict[str, None]:
    """Return the models that must be loaded for these tickets, in their order."""
    models = dict.fromkeys(ticket.model for ticket in tickets)
    return {model: None for model in models if model in situation.footprints}


def _fit(models: Iterable[str], situation: Situation) -> bool:
    """Tell whether all of them fit once everything idle is gone."""
    idle = [
        key
        for key, found in situation.residents.items()
        if not (found.leases or found.pinned or found.phase is Phase.STARTING)
    ]
    needs = (situation.need(model) for model in models)
    return total(needs).fits(situation.free + situation.held_by(idle) + situation.budget.owed)
