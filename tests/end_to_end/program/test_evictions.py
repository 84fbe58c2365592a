"""Evictions while streams are open, with a real engine: none is cut off, and nothing is left."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import trio

from tests.conftest import RecordFigures
from tests.support.crowd import connected
from tests.support.held_files import held_files
from tests.support.served_program import ServedProgram, Setup, served
from tests.support.streams import Streams

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SAMPLE, FULL = 2, 500
CLIENTS = 3
SCHEDULING = {"patience": 0.3, "min_residency": 0.1, "max_loaded": 1, "queue_timeout": 3600}
TOKENS = 12


async def _stream(program: ServedProgram, random: Random, evictions: int, seen: Streams) -> None:
    client = await connected(program)
    while seen.changes < evictions:
        await seen.read(client, random.choice("ab"), TOKENS)
    client.close()


async def _force(program: ServedProgram, evictions: int, seed: int) -> Streams:
    seen, random = Streams(), Random(seed)
    async with trio.open_nursery() as nursery:
        for own in [Random(random.random()) for _ in range(CLIENTS)]:
            nursery.start_soon(_stream, program, own, evictions, seen)
    return seen


def test_no_eviction_cuts_a_stream_off(
    engine: tuple[str, ...],
    chat_model: Path,
    tmp_path: Path,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    evictions = FULL if soak else SAMPLE
    entry = {"path": str(chat_model), "parameters": {"ctx-size": 512, "parallel": 2}}
    models = {"models": {"a": entry, "b": entry}}
    chosen = engine[0] if len(engine) == 1 else "embedded"
    setup = Setup(tmp_path, chosen, {"scheduling": SCHEDULING}, models)
    with served(setup) as program:
        trio.run(_force, program, 1, 0)
        before = held_files(program.process.pid)
        seen = trio.run(_force, program, evictions, 7)
        engines = len(program.engines())
        after = held_files(program.process.pid)
        program.stop()
    figures = {
        "evictions": seen.changes,
        "streams": seen.whole,
        "streams cut": seen.cut,
        "engines at the end": engines,
        "files more than at the beginning": after - before,
    }
    print(figures)
    record_figures(f"evictions-{'embedded' if chosen == 'embedded' else 'llama-server'}", figures)
    assert seen.changes >= evictions
    assert seen.cut == 0
    assert engines <= 2  # the last one, and one that is just being stopped
    assert after <= before + 2 * CLIENTS
