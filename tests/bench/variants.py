"""The relays that are compared, each in a process of its own."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tests.bench.process import Served, python_module, served
from tests.bench.program.whole import ours
from tests.bench.tools.building import Tools

OURS, NAIVE, FLOOR = "ours", "naive", "floor"
RELAYS = (OURS, NAIVE, FLOOR)


def relay(name: str, tools: Tools, upstream: Served) -> AbstractContextManager[Served]:
    """Return what runs one of them; ours starts an upstream of its own, as its engine."""
    if name == OURS:
        return ours(tools)
    return served(python_module(name, str(upstream.port)), upstream.model, upstream)
