"""The thrash trace with a real engine: how often models are loaded, beside the fewest possible."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.conftest import RecordFigures
from tests.support.crowd import connected
from tests.support.served_program import Setup, served
from tests.support.thrash import MODELS, REQUESTS
from tests.support.trace_player import CLIENTS, ROUNDS, key_of, measure_pace, play_trace

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SAMPLE = 12
SEED = 1


def _setup(folder: Path, engine: str, model: Path, scheduling: dict[str, Any]) -> Setup:
    entry = {"path": str(model), "parameters": {"ctx-size": 512, "parallel": 1}}
    app = {
        # Shared, lest each change of client costs a prefill, which here takes as long as a load.
        "scheduling": {
            **{"max_loaded": 1, "queue_timeout": 3600, "share_prompts": True},
            **scheduling,
        },
        # All of a client's may wait at once where the machine is slower than it just was.
        "limits": {"max_requests_per_client": REQUESTS},
        "security": {"api_keys": [{"name": name, "key": key_of(name)} for name in CLIENTS]},
    }
    return Setup(folder, engine, app, {"models": dict.fromkeys(MODELS, entry)})


def test_the_thrash_trace_is_served(
    engine: tuple[str, ...],
    chat_model: Path,
    tmp_path: Path,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    name = engine[0] if len(engine) == 1 else "embedded"
    at_once = {"patience": 0, "min_residency": 0}
    with served(_setup(tmp_path / "first", name, chat_model, at_once)) as program:
        rounds = ROUNDS if soak else 2
        pace = trio.run(measure_pace, partial(connected, program), rounds)
    asked = pace.trace(SEED, REQUESTS if soak else SAMPLE)
    with served(_setup(tmp_path / "second", name, chat_model, pace.scheduling)) as program:
        seen = trio.run(play_trace, partial(connected, program), asked)
    loads = 1 + seen.changes
    fewest = pace.fewest_loads(asked)
    figures = {
        "requests": len(asked),
        "answered": seen.whole,
        "loads": loads,
        "fewest loads possible": fewest,
        "loads / fewest": None if fewest is None else round(loads / fewest, 2),
        "if every request had its model loaded": 1
        + sum(ask.model != after.model for ask, after in zip(asked, asked[1:])),
        "a load with the stop before, s": round(pace.swap, 2),
        "an answer, s": round(pace.answer, 2),
        "longest wait, s": round(max(seen.waits), 1),
    }
    print(figures)
    record_figures(f"thrash-{'embedded' if name == 'embedded' else 'llama-server'}", figures)
    assert seen.whole == len(asked)
    assert loads >= len({ask.model for ask in asked})
