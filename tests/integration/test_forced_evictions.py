"""Evictions while streams are open: each waits for the last one, and cuts none off."""

from __future__ import annotations

from random import Random

import pytest
import trio
from attrs import define

from llama_runner.config.app import AppConfig
from llama_runner.config.scheduling import SchedulingConfig
from tests.conftest import RecordFigures
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.front_door import on_virtual_clock
from tests.support.held_files import held_files
from tests.support.program import STREAM, Program, open_program
from tests.support.scripted_engine import ScriptedEngine, TokenScript

SAMPLE, FULL = 200, 10_000
PATIENCE = 0.5
CLIENTS = 4
SETTINGS = AppConfig(
    scheduling=SchedulingConfig(patience=PATIENCE, min_residency=0.2, queue_timeout=10_000)
)


@define(eq=False)
class Seen:
    """What the clients saw."""

    whole: int = 0
    cut: int = 0


async def _stream(program: Program, random: Random, evictions: int, seen: Seen) -> None:
    """Ask for one stream after the other, for either model."""
    client = program.client()
    while _evicted(program) < evictions:
        await client.request(body={**STREAM, "model": random.choice("ab")})
        reply = await client.reply()
        whole = reply.status == 200 and reply.body.endswith(b"data: [DONE]\n\n")
        if whole and b'"finish_reason": "stop"' in reply.body:
            seen.whole += 1
        else:
            seen.cut += 1
        await trio.sleep(random.uniform(0, 0.2))
    client.close()


def _evicted(program: Program) -> int:
    return max(0, len(program.spawn.children) - 1)


async def _force(evictions: int, seed: int) -> Seen:
    seen, random = Seen(), Random(seed)
    engine = ScriptedEngine(TokenScript(tokens=4, every=0.1))
    spawn = FakeSpawner(Behaviour(loads_for=0.1, stop_takes=0.05))
    async with open_program(engine=engine, spawn=spawn, config=SETTINGS) as program:
        async with trio.open_nursery() as nursery:
            for own in (Random(random.random()) for _ in range(CLIENTS)):
                nursery.start_soon(_stream, program, own, evictions, seen)
        assert len(spawn.alive) <= 1
        assert len(program.runners.line) == 0
        ends = [child.history for child in spawn.children if child.exit_code is not None]
        assert all(end == ["asked to exit", "exited 0"] for end in ends)
    assert not spawn.alive
    return seen


@pytest.mark.slow
def test_no_eviction_cuts_a_stream_off(soak: bool, record_figures: RecordFigures) -> None:
    evictions = FULL if soak else SAMPLE
    on_virtual_clock(lambda: _force(10, 0))
    before = held_files()
    seen = on_virtual_clock(lambda: _force(evictions, 7))
    after = held_files()
    figures = {
        "evictions": evictions,
        "streams": seen.whole,
        "streams cut": seen.cut,
        "files left open": after - before,
    }
    print(figures)
    record_figures("forced-evictions", figures)
    assert seen.whole > evictions / 2
    assert seen.cut == 0
    assert after <= before
