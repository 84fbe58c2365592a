"""Why a model finds no memory, in words."""

from __future__ import annotations

from llama_runner.errors import CapacityError, ModelTooLarge, NoRoom
from llama_runner.memory.amounts import Amounts
from llama_runner.scheduling.plan import Reason, Refusal
from llama_runner.scheduling.situation import Budget

_GIGABYTE = 1_000_000_000
_MEGABYTE = 1_000_000


def refusal_error(refusal: Refusal, need: Amounts, budget: Budget) -> CapacityError:
    """Return the error for a ticket whose model needs ``need``."""
    model, needed = refusal.ticket.model, in_words(need)
    if refusal.reason is Reason.TOO_LARGE:
        message = f"{model} is too large for this machine: it needs {needed}, and models may have"
        return ModelTooLarge(f"{message} {in_words(budget.most)}")
    message = f"{model} needs {needed}, and other programs and pinned models leave too little of"
    return NoRoom(f"{message} {in_words(budget.now)}")


def in_words(amounts: Amounts) -> str:
    """Return an amount for people: 4.2 GB of ram and 8.0 GB of gpu 0."""
    parts = [f"{_size(size)} of {device}" for device, size in sorted(amounts.by_device.items())]
    return " and ".join(parts) or "nothing"


def _size(size: int) -> str:
    if size >= _GIGABYTE:
        return f"{size / _GIGABYTE:.1f} GB"
    return f"{size / _MEGABYTE:.0f} MB" if size >= _MEGABYTE else f"{size} bytes"
