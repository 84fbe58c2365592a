"""What the runner manager must know of a model."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from llama_runner.runner.launch import Launch


@frozen(eq=False)
class ModelSpec:
    """One model that can be loaded.

    ``footprint`` is in the unit of the manager's capacity. ``make_launch``
    gives a fresh launch, with a port and a key of its own, at every start.
    """

    key: str
    slots: int
    make_launch: Callable[[], Launch]
    footprint: int = 1
