"""What the runner manager must know of a model."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from llama_runner.config.larger_context import CLAMP
from llama_runner.memory.amounts import Amounts
from llama_runner.runner.launch import Launch


@frozen(eq=False)
class ModelSpec:
    """One model that can be loaded.

    ``footprint`` is asked for only when the model must be loaded: what it will hold.
    ``make_launch`` gives a fresh launch, with a port and a key of its own, at every start.
    ``keep_alive`` is for how many idle seconds it stays, None for as long as nobody else
    needs its memory; one that is ``pinned`` stays in any case.
    ``fallback`` is the same model launched otherwise, as its ``note`` says: what the operator
    wants to be tried next when this runs out of memory as it loads.

    One request has ``context`` tokens, 0 if that is not known; the model was ``trained`` for so
    many, 0 if that is not known. ``larger_context`` is what is done for a client that wants more,
    ``grown`` the same model launched with so many.
    """

    key: str
    slots: int
    make_launch: Callable[[], Launch]
    footprint: Callable[[], Amounts]
    keep_alive: float | None = None
    pinned: bool = False
    fallback: ModelSpec | None = None
    note: str = ""
    context: int = 0
    trained: int = 0
    larger_context: str = CLAMP
    grown: Callable[[int], ModelSpec] | None = None
