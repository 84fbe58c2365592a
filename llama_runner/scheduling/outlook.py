"""What loading a model would take now: decided as a load is, but nothing is done."""

from __future__ import annotations

from attrs import evolve, frozen

from llama_runner.memory.amounts import Amounts
from llama_runner.scheduling.drain import BUSY, in_the_way
from llama_runner.scheduling.plan import Reason
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.situation import Situation
from llama_runner.scheduling.victims import cheapest, shortfall


@frozen(kw_only=True)
class Outlook:
    """What would have to happen for a model to be loaded.

    ``evicts`` would be stopped, of which ``busy`` must load or answer to the end first. With a
    ``reason`` it cannot be loaded as things are.
    """

    loaded: bool = False
    evicts: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    reason: Reason | None = None


def outlook(model: str, situation: Situation) -> Outlook:
    """Return what loading ``model`` would take, whoever waits for other models."""
    if model in situation.residents:
        return Outlook(loaded=situation.residents[model].phase is not Phase.STOPPING)
    need = situation.need(model)
    if not need.fits(situation.most):
        return Outlook(reason=Reason.TOO_LARGE)
    missing = _missing(need, situation)
    if not missing.by_device:
        return Outlook()
    candidates = {**in_the_way(situation), **_starting(situation)}
    held = {key: situation.held_by([key]) for key in candidates}
    chosen = cheapest(candidates, held, missing)
    if chosen is None:
        return Outlook(reason=Reason.NO_ROOM)
    residents = situation.residents
    busy = [key for key in chosen if residents[key].leases or key in _starting(situation)]
    return Outlook(evicts=chosen, busy=tuple(busy))


def _starting(situation: Situation) -> dict[str, Resident]:
    """Return those that could make room once they are loaded and have served who waits for it."""
    return {
        key: evolve(resident, cost=resident.cost + BUSY)
        for key, resident in situation.residents.items()
        if resident.phase is Phase.STARTING and not resident.pinned
    }


def _missing(need: Amounts, situation: Situation) -> Amounts:
    residents = situation.residents
    leaving = [key for key, found in residents.items() if found.phase is Phase.STOPPING]
    return shortfall(need, situation.free + situation.held_by(leaving) + situation.budget.owed)
