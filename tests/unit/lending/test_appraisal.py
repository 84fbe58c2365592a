"""What is learned of the memory that models hold, and how it is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

import trio
from attrs import define, field, frozen
from trio.testing import wait_all_tasks_blocked

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.names import ModelKey
from llama_runner.config.models import ModelConfig
from llama_runner.lending.appraisal import Appraiser
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.memory.device import Inventory
from llama_runner.memory.experience_file import ExperienceFile
from llama_runner.memory.gpu import Gpus
from llama_runner.memory.inventory import MemoryWatch
from llama_runner.runner.context import context_of
from tests.support.fake_child import FakeSpawner, fake_launch
from tests.support.kept_slots import ENGINE
from tests.support.manager import managed, use
from tests.support.model_cards import model_card

PATIENCE = 60


@define(eq=False)
class Writes:
    """What was done to a file; the first write lasts until it may end."""

    noted: list[str] = field(factory=list)
    may_end: threading.Event = field(factory=threading.Event)


@frozen
class SlowFile(ExperienceFile):
    """The real file on a disk that is slow at first."""

    writes: Writes = field(factory=Writes, kw_only=True)

    def write(self, text: str) -> None:
        self.writes.noted.append("begins")
        self.writes.may_end.wait(PATIENCE)
        super().write(text)
        self.writes.noted.append("ends")


@define(eq=False)
class Watch(MemoryWatch):
    """The real memory, and word of when two children have been looked at."""

    seen: set[int] = field(factory=set, kw_only=True)
    saw_both: trio.Event = field(factory=trio.Event, kw_only=True)

    def look(self, pids: Iterable[int]) -> Inventory:
        self.seen.update(pids)
        if len(self.seen) == 2:
            self.saw_both.set()
        return super().look(pids)


async def test_what_is_learned_meanwhile_is_written_afterwards(tmp_path: Path) -> None:
    file = SlowFile(tmp_path / "memory.json")
    watch = Watch(Gpus())
    appraiser = Appraiser(ENGINE, watch, file)

    def spec(name: str) -> ModelSpec:
        config = ModelConfig(parameters={"ctx-size": 256 * len(name)})
        model = CatalogModel(key=ModelKey(name), card=model_card(), config=config)
        return ModelSpec(
            name,
            1,
            lambda: fake_launch(name, slots=1),
            lambda: appraiser.footprint(model),
            context=context_of(model),
        )

    with trio.fail_after(PATIENCE):
        attendants = [appraiser.attend]
        async with managed(FakeSpawner(), 10**12, attendants=attendants) as manager:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(use, manager, spec("a"), 0)
                nursery.start_soon(use, manager, spec("bb"), 0)
                await watch.saw_both.wait()
                await wait_all_tasks_blocked()
                file.writes.may_end.set()
            assert file.writes.noted == ["begins", "ends"] * 2
            assert len(list(file.read().lessons)) == 2
    assert file.writes.noted == ["begins", "ends"] * 4
