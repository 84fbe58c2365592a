"""The facts we tell; frozen, and told to whoever listens."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from llama_runner.events.exchange import Exchange


@frozen
class RunnerChanged:
    """A model's runner is now ``state``: starting, ready, stopping or exited.

    ``detail`` is for people: the cause of an exit, or how far a load is.
    """

    model: str
    state: str
    detail: str = ""


@frozen
class CancelConfirmed:
    """A slot whose client left was seen idle ``after`` seconds; ``None``: not within its bound."""

    model: str
    after: float | None


@frozen
class ProgramStopping:
    """The program ends."""


Event: TypeAlias = RunnerChanged | CancelConfirmed | Exchange | ProgramStopping
