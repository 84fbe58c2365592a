"""How soon after an engine's readiness the first request reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

from attrs import evolve

from tests.bench.asking import ask, told_by
from tests.bench.program.whole import ONE_TOKEN, scripted_program
from tests.bench.tools.building import Tools

LOADS_FOR = 40
"""Milliseconds at most; each load takes another part of it, so that no probe is in step."""


def waits(tools: Tools, repetitions: int, flags: dict[str, Any]) -> Iterator[float]:
    """Yield, for one load after the other, the milliseconds from ready to the first byte.

    Both moments are the engine's own. Two models take turns, so that each request
    finds its model not loaded.
    """
    parameters = {"parallel": 1, "bench-loads-for": LOADS_FOR, **flags}
    with scripted_program(tools, parameters, models=("a", "b")) as whole:
        for model in islice(cycle("ab"), repetitions):
            ask(evolve(whole.served, model=model), ONE_TOKEN)
            told = told_by(whole.engine())
            yield (int(told["first_asked_at"]) - int(told["ready_at"])) / 1e6
