"""What becomes of a runner's slots when it stops and comes back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, evolve, field
from trio.testing import MockClock

from llama_runner.archive.verdict import Proven, Refuted
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.names import ModelKey
from llama_runner.config.app import SchedulingConfig
from llama_runner.config.models import ModelConfig
from llama_runner.config.slot_archive import SlotArchiveConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.exchange import Exchange, Outcome
from llama_runner.events.usage import Usage
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.slot_archive import TRIES, SlotArchive
from llama_runner.lending.slot_keeping import SlotKeeping
from llama_runner.lending.slot_saving import PROBED_WITHIN
from llama_runner.runner.engine import Engine, EngineKind
from llama_runner.runner.launch import Launch
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from llama_runner.scheduling.conversation import Conversation
from tests.support.fake_child import Behaviour, FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram
from tests.support.fake_slot_files import FakeEngineSlots
from tests.support.model_cards import model_card

ENGINE = Engine(("llama-server",), EngineKind.LLAMA_SERVER, "an engine", "")
PROMPTS = {1: tuple(range(100, 160)), 2: tuple(range(200, 260))}


@define(frozen=True)
class Asking:
    """A request of one conversation."""

    number: int
    choices: int = 1

    def conversation(self) -> Conversation:
        return Conversation([self.number], [1000])


@define(eq=False)
class World:
    """One model whose slots are kept, and another that takes its place."""

    folder: Path
    slots: int = 2
    settings: SlotArchiveConfig = SlotArchiveConfig()
    config: ModelConfig = ModelConfig()
    engine: FakeEngineSlots = field(init=False)
    archive: SlotArchive = field(init=False)
    keeping: SlotKeeping = field(init=False)
    spawn: FakeSpawner = field(init=False)
    launched: list[Path | None] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.engine = FakeEngineSlots(self.folder)
        self.spawn = FakeSpawner(Behaviour())
        self.begin_anew()

    @property
    def model(self) -> CatalogModel:
        return CatalogModel(key=ModelKey("m"), card=model_card(), config=self.config)

    def begin_anew(self) -> None:
        """Have the program started again."""
        self.archive = SlotArchive(self.settings, ENGINE, self.folder, self.engine.open)
        self.keeping = SlotKeeping(self.archive)

    @asynccontextmanager
    async def managed(self) -> AsyncIterator[RunnerManager]:
        async with open_runner_manager(
            FakeMemory(10, {"m": 6, "other": 6}, self.spawn),
            self.spawn,
            SchedulingConfig(),
            30,
            Broadcaster(),
            attendants=[self.keeping.attend],
        ) as manager:
            yield manager

    def _launch(self) -> Launch:
        self.engine.restart()
        self.launched.append(self.archive.folder_for(self.model))
        return fake_launch("m", slots=self.slots)

    async def ask(self, manager: RunnerManager, number: int, client: str = "one") -> int:
        """Ask for an answer; return how much of the prompt was found."""
        spec = ModelSpec("m", self.slots, self._launch, lambda: ram(6))
        with manager.queue(spec, client, Asking(number)) as place:
            lease = await place.granted()
            slot = lease.terms.get("id_slot", lease.slot)
            if lease.terms.get("cache_prompt") is False:
                self.engine.held.pop(slot, None)
            reading = await self.engine.read(slot, PROMPTS[number], 1)
            lease.answered()
        return reading.cached

    async def swap(self, manager: RunnerManager) -> None:
        """Have another model take the place."""
        spec = ModelSpec("other", 1, lambda: fake_launch("other"), lambda: ram(6))
        with manager.queue(spec, "one") as place:
            await place.granted()

    @property
    def verdict(self) -> Any:
        (found,) = (verdict for _, verdict in self.archive.index.verdicts)
        return found

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.folder.glob("*.bin")}


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
        assert trio.current_time() - began == pytest.approx(1, abs=0.5)
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
