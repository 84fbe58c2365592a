"""What a model that is waited for is waiting for."""

from __future__ import annotations

from llama_runner.scheduling.outlook import outlook
from llama_runner.scheduling.plan import Reason
from llama_runner.scheduling.situation import Situation
from llama_runner.scheduling.trail import Step


def hold_up(model: str, situation: Situation) -> tuple[Step, str]:
    """Return the step that a model is at which is not started, and the models that is about."""
    seen = outlook(model, situation)
    if situation.starts_at(model) > situation.now:
        return Step.PAUSE, ""
    if situation.leaving:
        return Step.STOP, ", ".join(situation.leaving)
    owed = situation.budget.owed.by_device and not seen.evicts
    if owed or seen.reason is Reason.NO_ROOM:
        return Step.MEMORY, ""
    if seen.busy:
        return Step.DRAIN, ", ".join(seen.busy)
    return Step.TURN, ", ".join(seen.evicts)
