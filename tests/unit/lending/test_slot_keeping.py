"""What becomes of a runner's slots when it stops and comes back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import evolve
from trio.testing import MockClock

from llama_runner.archive.verdict import Proven, Refuted
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.concurrency.disk import WRITTEN_WITHIN
from llama_runner.config.slot_archive import SlotArchiveConfig
from llama_runner.events.exchange import Exchange, Outcome
from llama_runner.events.usage import Usage
from llama_runner.lending import slot_archive
from llama_runner.lending.identity import prompt_identity
from llama_runner.lending.seat import Seat
from llama_runner.lending.slot_archive import TRIES
from llama_runner.lending.slot_saving import PROBED_WITHIN
from llama_runner.runner.engine import Engine
from llama_runner.runner_manager import RunnerManager
from tests.support.kept_slots import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "slots")


async def proven(world: World, manager: RunnerManager) -> None:
    """Have the model's engine proven."""
    await world.ask(manager, 1)
    await world.swap(manager)
    await world.ask(manager, 1)
    assert isinstance(world.verdict, Proven)


@pytest.mark.parametrize("slots", [1, 2])
async def test_a_model_that_comes_back_finds_its_prompts(tmp_path: Path, slots: int) -> None:
    world = World(tmp_path / "slots", slots)
    async with world.managed() as manager:
        for number in range(1, slots + 1):
            assert await world.ask(manager, number) == 0
        for _ in range(3):
            await world.swap(manager)
            for number in range(1, slots + 1):
                assert await world.ask(manager, number) == 59
    assert isinstance(world.verdict, Proven)
    assert world.launched == [world.folder] * 4


async def test_it_finds_them_after_another_start_of_the_program(world: World) -> None:
    async with world.managed() as manager:
        await proven(world, manager)
        await world.ask(manager, 2)
    world.begin_anew()
    async with world.managed() as manager:
        assert await world.ask(manager, 2) == 59
        assert await world.ask(manager, 1) == 59


async def test_another_client_does_not(world: World) -> None:
    world.slots = 1
    async with world.managed() as manager:
        await proven(world, manager)
        await world.swap(manager)
        assert await world.ask(manager, 1, "two") == 0


async def test_a_program_that_stops_saves_but_does_not_try(world: World) -> None:
    async with world.managed() as manager:
        await world.ask(manager, 1)
    assert world.engine.asked == ["read 0", "save 0"]
    assert world.files == world.archive.index.files != set()


async def test_what_was_only_restored_is_not_saved_again(world: World) -> None:
    async with world.managed() as manager:
        await proven(world, manager)
        await world.ask(manager, 2)
        await world.swap(manager)
        world.engine.asked.clear()
        await world.ask(manager, 1)
        await world.swap(manager)
    assert world.engine.asked == ["restore 0", "restore 1", "read 0", "save 0"]


@pytest.mark.parametrize(
    "fault", ["saves_nothing", "restores_nothing", "restores_wrongly"], ids=str
)
async def test_an_engine_that_fails_the_probe_is_left_alone_and_it_is_told(
    world: World, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    setattr(world.engine, fault, True)
    async with world.managed() as manager:
        for _ in range(2):
            assert await world.ask(manager, 1) == 0
            await world.swap(manager)
        world.engine.asked.clear()
        assert await world.ask(manager, 1) == 0
    assert isinstance(world.verdict, Refuted)
    assert world.engine.asked == ["read 0"]
    assert world.files == set()
    assert world.launched[-1] is None
    assert world.archive.described(world.model) == ("off", world.verdict.reason)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert world.verdict.reason in caplog.text


async def test_a_model_whose_slots_cannot_be_saved_is_told_why(world: World) -> None:
    world.engine.refuses = "save"
    async with world.managed() as manager:
        await world.ask(manager, 1)
        await world.swap(manager)
    assert world.verdict == Refuted("it does not save 0")


async def test_what_is_not_worth_it_is_neither_saved_nor_restored(world: World) -> None:
    async with world.managed() as manager:
        await proven(world, manager)
        usage = Usage(prompt_tokens=1000, cached_tokens=0, prompt_ms=0.001)
        world.archive.note(_exchange(usage))
        await world.swap(manager)
        world.engine.asked.clear()
        assert await world.ask(manager, 1) == 0
        await world.swap(manager)
    assert world.engine.asked == ["read 0", "save 0"]


def _exchange(usage: Usage) -> Exchange:
    return Exchange(
        number=1,
        model="m",
        route="",
        streamed=True,
        outcome=Outcome.COMPLETED,
        error=None,
        granted=0.0,
        first_byte=0.0,
        total=0.0,
        usage=usage,
        closed_after=None,
    )


async def test_a_file_that_cannot_be_restored_is_forgotten(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.managed() as manager:
        await proven(world, manager)
        await world.swap(manager)
        for name in world.files:
            (world.folder / name).unlink()
        assert await world.ask(manager, 1) == 0
        assert "a slot was not restored" in caplog.text
        assert world.archive.index.files == set()


async def test_saving_holds_up_a_stop_for_so_long_and_no_longer(
    world: World, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.managed() as manager:
        await world.ask(manager, 1)
        world.engine.takes = 1000
        began = trio.current_time()
    assert (
        world.settings.save_within <= trio.current_time() - began < world.settings.save_within + 3
    )
    assert "not saved in time" in caplog.text


async def test_a_hurried_stop_saves_nothing(world: World, autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        async with world.managed() as manager:
            await world.ask(manager, 1)
            world.engine.takes = 1000
            nursery.start_soon(_hurry, world)
            began = trio.current_time()
        assert 1 <= trio.current_time() - began <= 1 + WRITTEN_WITHIN
    assert world.files == set()


async def _hurry(world: World) -> None:
    await trio.sleep(1)
    world.keeping.hurry()


async def test_a_probe_that_never_ends_is_not_tried_for_ever(
    world: World, autojump_clock: MockClock
) -> None:
    async with world.managed() as manager:
        for _ in range(TRIES):
            await world.ask(manager, 1)
            assert world.archive.described(world.model)[0] == "untried"
            world.engine.takes = 0.6 * PROBED_WITHIN
            await world.swap(manager)
            world.engine.takes = 0
        await world.ask(manager, 1)
    state, reason = world.archive.described(world.model)
    assert (state, "too often" in reason) == ("off", True)
    assert world.launched[-1] is None


async def test_a_child_that_crashes_is_asked_for_nothing(world: World) -> None:
    async with world.managed() as manager:
        await world.ask(manager, 1)
        world.engine.asked.clear()
        world.spawn.children[-1].die(-11)
        await trio.testing.wait_all_tasks_blocked()
    assert world.engine.asked == []


async def test_a_child_that_hangs_is_asked_for_nothing(world: World) -> None:
    attended: list[Seat] = []

    @asynccontextmanager
    async def note(seat: Seat) -> AsyncIterator[None]:
        attended.append(seat)
        yield

    async with world.managed(note) as manager:
        await world.ask(manager, 1)
        attended[0].end_for("it hangs")
        await world.swap(manager)
    assert world.engine.asked == ["read 0"]


@pytest.mark.parametrize("where", ["all", "model"])
async def test_it_can_be_turned_off(world: World, where: str) -> None:
    async with world.managed() as manager:
        await proven(world, manager)
    if where == "all":
        world.settings = SlotArchiveConfig(enabled=False)
    else:
        world.config = evolve(world.config, slot_archive=False)
    world.begin_anew()
    async with world.managed() as manager:
        assert await world.ask(manager, 1) == 0
    assert world.launched[-1] is None
    state, reason = world.archive.described(world.model)
    assert (state, "is false" in reason) == ("off", True)
    if where == "all":
        assert list(world.folder.iterdir()) == []


def test_files_that_nobody_knows_of_are_removed(world: World) -> None:
    (world.folder / "left.bin").write_text("?")
    world.begin_anew()
    assert world.files == set()


async def test_a_description_looks_at_no_file_between_two_launches(
    world: World, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[CatalogModel] = []

    def looks(model: CatalogModel, engine: Engine) -> str:
        looked.append(model)
        return prompt_identity(model, engine)

    monkeypatch.setattr(slot_archive, "prompt_identity", looks)
    for _ in range(3):
        world.archive.described(world.model)
    assert len(looked) == 1
    async with world.managed() as manager:
        await world.ask(manager, 1)
        assert world.archive.described(world.model)[0] == "untried"
        assert len(looked) == 2
