"""Why a model finds no memory, in words."""

from __future__ import annotations

from llama_runner.errors import CapacityError, ModelTooLarge, NoRoom
from llama_runner.memory.amounts import Amounts, in_words
from llama_runner.scheduling.plan import Reason
from llama_runner.scheduling.situation import Budget


def refusal_error(what: str, reason: Reason, need: Amounts, budget: Budget) -> CapacityError:
    """Return the error for a model, named as ``what``, that needs ``need``."""
    needed = in_words(need)
    if reason is Reason.TOO_LARGE:
        message = f"{what} is too large for this machine: it needs {needed}, and models may have"
        return ModelTooLarge(f"{message} {in_words(budget.most)}")
    message = f"{what} needs {needed}, and other programs and pinned models leave too little of"
    return NoRoom(f"{message} {in_words(budget.now)}")
