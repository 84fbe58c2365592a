"""The thrash trace with a real engine: how often models are loaded, beside the fewest possible."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import trio
from attrs import define, field

from tests.conftest import RecordFigures
from tests.support.crowd import connected
from tests.support.served_program import ServedProgram, Setup, served
from tests.support.thrash import MODELS, REQUESTS, Ask, fewest_loads, trace

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SAMPLE = 12
SEED = 1
# In loads with the stop before, as in tests/integration/test_thrash.py.
GAP, PATIENCE, RESIDENCY = 2.5 / 7, 20 / 7, 5 / 7
ASKED = {
    "messages": [{"role": "user", "content": "Count."}],
    "stream": True,
    "max_tokens": 4,
    "ignore_eos": True,
}


@define(eq=False)
class Seen:
    """Which model began to answer, one after the other; how long each answer took from there."""

    began: list[str] = field(factory=list)
    answers: list[float] = field(factory=list)
    waits: list[float] = field(factory=list)
    whole: int = 0

    @property
    def loads(self) -> int:
        """How often a model was loaded: only one fits."""
        return 1 + sum(model != after for model, after in zip(self.began, self.began[1:]))


async def _ask(program: ServedProgram, model: str, seen: Seen) -> None:
    client, body, asked, began = await connected(program), b"", time.monotonic(), 0.0
    await client.request(body={**ASKED, "model": model})
    await client.head()
    async for piece in client.pieces():
        if not began and b"data: " in piece:
            began = time.monotonic()
            seen.began.append(model)
            seen.waits.append(began - asked)
        body += piece
    seen.answers.append(time.monotonic() - began)
    seen.whole += body.endswith(b"data: [DONE]\n\n") and b'"finish_reason":"length"' in body
    client.close()


async def _play(program: ServedProgram, asked: list[Ask]) -> Seen:
    seen = Seen()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for ask in asked:
            await trio.sleep_until(began + ask.at)
            nursery.start_soon(_ask, program, ask.model, seen)
    return seen


async def _one_by_one(program: ServedProgram) -> Seen:
    seen = Seen()
    for model in MODELS * 2:
        await _ask(program, model, seen)
    return seen


def _setup(folder: Path, engine: str, model: Path, scheduling: dict[str, Any]) -> Setup:
    entry = {"path": str(model), "parameters": {"ctx-size": 512, "parallel": 1}}
    app = {"scheduling": {"max_loaded": 1, "queue_timeout": 3600, **scheduling}}
    return Setup(folder, engine, app, {"models": dict.fromkeys(MODELS, entry)})


def test_the_thrash_trace_is_served(
    engine: tuple[str, ...],
    chat_model: Path,
    tmp_path: Path,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    name = engine[0] if len(engine) == 1 else "embedded"
    with served(_setup(tmp_path / "first", name, chat_model, {})) as program:
        alone = trio.run(_one_by_one, program)
    swap, answer = median(alone.waits[1:]), median(alone.answers)
    scheduling = {"patience": PATIENCE * swap, "min_residency": RESIDENCY * swap}
    asked = trace(SEED, GAP * swap, REQUESTS if soak else SAMPLE)
    with served(_setup(tmp_path / "second", name, chat_model, scheduling)) as program:
        seen = trio.run(_play, program, asked)
    within = scheduling["patience"] + answer + swap
    fewest = fewest_loads(asked, answer=answer, swap=swap, load=swap, within=within)
    figures = {
        "requests": len(asked),
        "answered": seen.whole,
        "loads": seen.loads,
        "fewest loads possible": fewest,
        "if every request had its model loaded": 1
        + sum(ask.model != after.model for ask, after in zip(asked, asked[1:])),
        "a load with the stop before, s": round(swap, 2),
        "an answer, s": round(answer, 2),
        "longest wait, s": round(max(seen.waits), 1),
    }
    print(figures)
    record_figures(f"thrash-{'embedded' if name == 'embedded' else 'llama-server'}", figures)
    assert seen.whole == len(asked)
    assert seen.loads >= len({ask.model for ask in asked})
