"""Which engines are trusted with slots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llama_runner.archive.verdict import Probing, Proven, Refuted
from llama_runner.errors import RunnerLost
from llama_runner.lending.slot_probe import begin_probe, end_probe
from tests.support.fake_slot_files import FakeEngineSlots


async def probed(engine: FakeEngineSlots, slots: int = 2) -> Proven | Refuted:
    names = iter(("one", "two"))
    found = await begin_probe(engine, slots, lambda: next(names))
    if isinstance(found, Refuted):
        return found
    engine.restart()
    return await end_probe(engine, found)


@pytest.mark.parametrize("slots", [1, 2, 8])
async def test_an_engine_that_gives_back_what_it_saved_is_proven(
    tmp_path: Path, slots: int
) -> None:
    found = await probed(FakeEngineSlots(tmp_path), slots)
    assert isinstance(found, Proven)
    assert found.is_worth(1000, 1000)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"saves_nothing": True}, "nothing in them"),
        ({"restores_nothing": True}, "0 of 32 tokens"),
        ({"restores_wrongly": True}, "goes on otherwise"),
    ],
    ids=lambda value: str(value),
)
async def test_one_that_does_not_is_refuted(
    tmp_path: Path, fault: dict[str, Any], reason: str
) -> None:
    found = await probed(FakeEngineSlots(tmp_path, **fault))
    assert isinstance(found, Refuted)
    assert reason in found.reason


async def test_each_prompt_is_restored_into_the_other_ones_slot(tmp_path: Path) -> None:
    engine = FakeEngineSlots(tmp_path)
    names = iter(("one", "two"))
    found = await begin_probe(engine, 2, lambda: next(names))
    assert isinstance(found, Probing)
    saved = dict(engine.held)
    engine.restart()
    await end_probe(engine, found)
    assert engine.held[0][:32] == saved[1][:32] != saved[0][:32]


async def test_one_that_refuses_says_why(tmp_path: Path) -> None:
    with pytest.raises(RunnerLost, match="does not save 0"):
        await probed(FakeEngineSlots(tmp_path, refuses="save"))
