"""What loading a model would take now: decided as a load is, but nothing is done."""

from __future__ import annotations

from attrs import frozen

from llama_runner.scheduling.drain import in_the_way
from llama_runner.scheduling.plan import Reason
from llama_runner.scheduling.resident import Phase
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
    missing = shortfall(need, situation.coming)
    if not missing.by_device:
        return Outlook()
    candidates = in_the_way(situation, [Phase.STARTING, Phase.READY])
    held = {key: situation.held_by([key]) for key in candidates}
    chosen = cheapest(candidates, held, missing)
    if chosen is None:
        return Outlook(reason=Reason.NO_ROOM)
    busy = tuple(key for key in chosen if situation.residents[key].busy)
    return Outlook(evicts=chosen, busy=busy)
