"""A loaded model, as listings show it."""

from __future__ import annotations

from attrs import frozen

from llama_runner.memory.amounts import Amounts


@frozen
class LoadedModel:
    """One model that is loaded or being loaded.

    ``expires_in`` is for how many more seconds it stays if nobody asks it, None for as
    long as nobody else needs its memory. One request has ``context`` tokens, 0 if that is
    not known.
    """

    key: str
    footprint: Amounts
    expires_in: float | None
    context: int
