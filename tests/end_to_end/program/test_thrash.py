"""The thrash trace with a real engine: how often models are loaded, beside the fewest possible."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest
import trio

from tests.conftest import RecordFigures
from tests.support.crowd import connected
from tests.support.served_program import ServedProgram, Setup, served
from tests.support.streams import Streams
from tests.support.thrash import MODELS, REQUESTS, Ask, fewest_loads, trace

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SAMPLE = 12
SEED = 1
# In loads with the stop before, as in tests/integration/test_thrash.py; there such a load
# takes as long as seven answers at least.
ANSWERS = 7
GAP, PATIENCE, RESIDENCY = 2.5 / 7, 20 / 7, 5 / 7
TOKENS = 4
ROUNDS = 5
"""How often each model is loaded to measure a load and its stop."""
CLIENTS = ("one", "two")
"""Two clients by their API keys: all programs of this machine without one are the same client."""


def _key(client: str) -> str:
    return f"the-key-of-client-{client}"


async def _ask(program: ServedProgram, ask: Ask, seen: Streams) -> None:
    client = await connected(program)
    await seen.read(client, ask.model, TOKENS, _key(ask.client))
    client.close()


async def _play(program: ServedProgram, asked: list[Ask]) -> Streams:
    seen = Streams()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for ask in asked:
            await trio.sleep_until(began + ask.at)
            nursery.start_soon(_ask, program, ask, seen)
    return seen


async def _one_by_one(program: ServedProgram) -> tuple[float, float]:
    """Return what a request takes, in seconds, beyond its load, and what that takes."""
    first, again = Streams(), Streams()
    for model in MODELS * ROUNDS:
        for seen in (first, again):
            await _ask(program, Ask(0.0, CLIENTS[0], model), seen)
    answer = median(again.waits) + median(again.answers)
    # The first round reads the files, and has nothing to restore.
    return answer, median(first.waits[len(MODELS) :]) - median(again.waits)


def _setup(folder: Path, engine: str, model: Path, scheduling: dict[str, Any]) -> Setup:
    entry = {"path": str(model), "parameters": {"ctx-size": 512, "parallel": 1}}
    app = {
        # Shared, lest each change of client costs a prefill, which here takes as long as a load.
        "scheduling": {
            **{"max_loaded": 1, "queue_timeout": 3600, "share_prompts": True},
            **scheduling,
        },
        "security": {"api_keys": [{"name": name, "key": _key(name)} for name in CLIENTS]},
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
        answer, swap = trio.run(_one_by_one, program)
    unit = max(swap, ANSWERS * answer)
    scheduling = {"patience": PATIENCE * unit, "min_residency": RESIDENCY * unit}
    asked = trace(SEED, GAP * unit, REQUESTS if soak else SAMPLE)
    with served(_setup(tmp_path / "second", name, chat_model, scheduling)) as program:
        seen = trio.run(_play, program, asked)
    loads = 1 + seen.changes
    within = scheduling["patience"] + answer + swap
    fewest = fewest_loads(asked, answer=answer, swap=swap, load=swap, within=within)
    figures = {
        "requests": len(asked),
        "answered": seen.whole,
        "loads": loads,
        "fewest loads possible": fewest,
        "loads / fewest": None if fewest is None else round(loads / fewest, 2),
        "if every request had its model loaded": 1
        + sum(ask.model != after.model for ask, after in zip(asked, asked[1:])),
        "a load with the stop before, s": round(swap, 2),
        "an answer, s": round(answer, 2),
        "longest wait, s": round(max(seen.waits), 1),
    }
    print(figures)
    record_figures(f"thrash-{'embedded' if name == 'embedded' else 'llama-server'}", figures)
    assert seen.whole == len(asked)
    assert loads >= len({ask.model for ask in asked})
