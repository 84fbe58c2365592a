"""One model whose slots are kept, on a fake engine, and another that takes its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.names import ModelKey
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.config.models import ModelConfig
from llama_runner.config.slot_archive import SlotArchiveConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.seat import Attendant
from llama_runner.lending.slot_archive import SlotArchive
from llama_runner.lending.slot_keeping import SlotKeeping
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


@frozen
class Asking:
    """A request of one conversation."""

    number: int
    choices: int = 1
    context: int | None = None

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
    async def managed(self, *more: Attendant) -> AsyncIterator[RunnerManager]:
        async with open_runner_manager(
            FakeMemory(10, {"m": 6, "other": 6}, self.spawn),
            self.spawn,
            SchedulingConfig(),
            30,
            Broadcaster(),
            attendants=[self.keeping.attend, *more],
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
