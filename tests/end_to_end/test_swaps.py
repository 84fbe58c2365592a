"""The bench's swaps, in small, beside the router of each engine that has one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llama_runner.runner.engine import Engine, EngineKind
from tests.bench.engine.bare import RealEngine
from tests.bench.swaps.figures import Swaps, SwapsEffort
from tests.bench.swaps.router import fill, router
from tests.bench.swaps.rows import FEWEST, ROUTER
from tests.bench.variants import OURS

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_a_trace_is_played_and_each_request_answered(engine, chat_model):
    kind = EngineKind.LLAMA_SERVER if len(engine) == 1 else EngineKind.EMBEDDED
    real = RealEngine(Engine(engine, kind, "", ""), chat_model)
    section = Swaps(
        real, SwapsEffort(requests=6, seeds=(1,), rounds=2), lambda line: None
    ).measure()
    loads, answered, *waits = section.findings
    routed = kind is EngineKind.LLAMA_SERVER
    columns = (OURS, ROUTER) if routed else (OURS,)
    for column in columns:
        assert answered.middle(column) == 100
        assert (loads.middle(column) or 0) >= 2
        assert all((wait.middle(column) or 0) > 0 for wait in waits)
    assert loads.middle(FEWEST)
    assert ("no router" in section.notes[0]) is not routed


def test_an_engine_that_is_no_router_is_told_so(tmp_path: Path):
    with pytest.raises(RuntimeError, match="router"):
        with router((sys.executable, "-c", "pass"), tmp_path, ()):
            raise AssertionError("it cannot serve")


def test_a_folder_holds_a_model_under_each_name(tmp_path: Path, chat_model):
    fill(tmp_path / "models", chat_model, ("A", "B"))
    copies = sorted((tmp_path / "models").iterdir())
    assert [copy.name for copy in copies] == ["A.gguf", "B.gguf"]
    assert all(copy.read_bytes() == chat_model.read_bytes() for copy in copies)
