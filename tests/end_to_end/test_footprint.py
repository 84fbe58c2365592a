"""What real models are reckoned to hold, what they hold, and what is learned from it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trio
from attrs import define, field

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.names import ModelKey
from llama_runner.catalog.scanner import scan_here
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.config.models import ModelConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.lending.appraisal import Appraiser
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.memory.amounts import RAM
from llama_runner.memory.experience_file import ExperienceFile
from llama_runner.memory.gpu import Gpus
from llama_runner.memory.inventory import MemoryWatch
from llama_runner.runner.command import build_launch
from llama_runner.runner.engine import Engine, resolve_engine
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner_manager import open_runner_manager
from tests.conftest import RecordFigures
from tests.support.engine_runner import ENGINES, PATIENCE
from tests.support.zoo.bert import write_embedder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

FIRST_ERROR, LATER_ERROR = 0.25, 0.05
"""How far the first reckoning may be off, and one of other arguments after a load."""
# A reckoning of nothing but the process itself says little of one that holds a large model.
SMALL = 64 * 1024 * 1024
PLAIN: Mapping[str, str | int] = {"ctx-size": 4096, "parallel": 1}
CHANGED: tuple[Mapping[str, str | int], ...] = (
    {"ctx-size": 16384, "parallel": 1},
    {"ctx-size": 16384, "parallel": 4},
    {"ctx-size": 2048, "parallel": 2},
    {"ctx-size": 8192, "parallel": 1, "cache-type-k": "q8_0"},
)


@define(eq=False)
class Loading:
    """Loads models one after the other, each beside the last."""

    engine: Engine
    folder: Path
    appraiser: Appraiser = field(init=False)

    def __attrs_post_init__(self) -> None:
        file = ExperienceFile(self.folder / "memory.json")
        self.appraiser = Appraiser(self.engine, MemoryWatch(Gpus()), file)

    async def loaded(self, path: Path, parameters: Mapping[str, str | int]) -> tuple[int, int]:
        """Return the bytes of RAM that were reckoned for a model and those it holds."""
        model = _model(path, parameters)
        spec = ModelSpec(
            model.key,
            1,
            lambda: _launch(self.engine, model),
            lambda: self.appraiser.footprint(model),
        )
        watch = MemoryWatch(Gpus())
        reckoned = self.appraiser.footprint(model).on(RAM)
        with trio.fail_after(PATIENCE):
            async with open_runner_manager(
                watch.look,
                system_spawner(),
                SchedulingConfig(),
                30,
                Broadcaster(),
                attendants=[self.appraiser.attend],
            ) as runners:
                with runners.queue(spec, "test") as place:
                    await place.granted()
                    resident, _ = runners.residents[model.key]
                    held = resident.footprint.on(RAM)
                    print(f"{path.name} {parameters}: {reckoned:,} reckoned, {held:,} held")
                    return reckoned, held


def _model(path: Path, parameters: Mapping[str, str | int]) -> CatalogModel:
    (card,) = scan_here((), None, files=(path,)).cards
    return CatalogModel(
        key=ModelKey("m"), card=card, config=ModelConfig(parameters=dict(parameters))
    )


def _launch(engine: Engine, model: CatalogModel) -> Launch:
    port = free_port()
    return build_launch(
        engine, model.key, model.card, model.config, port=port, inherited=os.environ
    )


@pytest.fixture(params=ENGINES, ids=lambda engine: Path(engine).name, scope="module")
def engine(request: pytest.FixtureRequest) -> Engine:
    return resolve_engine(request.param, "")


@pytest.fixture
def loading(engine: Engine, tmp_path: Path) -> Loading:
    return Loading(engine, tmp_path)


@pytest.fixture(scope="module")
def errors(engine: Engine, record_figures: RecordFigures) -> Iterator[dict[str, float]]:
    """Return where each error is noted, as a share of what was held; a soak records them."""
    noted: dict[str, float] = {}
    yield noted
    shares = {name: round(error, 4) for name, error in noted.items()}
    record_figures(f"memory-{engine.kind.value}", {"reckoned over held, less 1": shares})


async def test_a_first_load_takes_about_what_it_is_reckoned_to(
    loading: Loading, chat_model: Path, tmp_path: Path, errors: dict[str, float]
) -> None:
    tiny = write_embedder(tmp_path / "tiny" / "tiny.gguf")
    first: Mapping[Path, Mapping[str, str | int]] = {chat_model: PLAIN, tiny: {}}
    for path, parameters in first.items():
        reckoned, held = await loading.loaded(path, parameters)
        errors[f"first load of {path.stem}"] = reckoned / held - 1
        assert abs(reckoned - held) <= max(FIRST_ERROR * held, SMALL)


async def test_after_one_load_any_other_context_is_known(
    loading: Loading, chat_model: Path, errors: dict[str, float]
) -> None:
    await loading.loaded(chat_model, PLAIN)
    for parameters in CHANGED:
        reckoned, held = await loading.loaded(chat_model, parameters)
        errors[f"after one load, {parameters}"] = reckoned / held - 1
        assert reckoned == pytest.approx(held, rel=LATER_ERROR)


async def test_what_was_learned_outlives_the_program(loading: Loading, chat_model: Path) -> None:
    _, held = await loading.loaded(chat_model, PLAIN)
    later = Loading(loading.engine, loading.folder)
    assert later.appraiser.footprint(_model(chat_model, PLAIN)).on(RAM) >= held
