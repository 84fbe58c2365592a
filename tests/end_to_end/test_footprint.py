"""What real models are reckoned to hold, what they hold once used, and what is learned from it.

LLAMA_RUNNER_TEST_MODELS may name a folder of further models.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import TypeAlias

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
from llama_runner.memory.inventory import MemoryWatch, held_by
from llama_runner.runner.command import build_launch
from llama_runner.runner.context import context_of
from llama_runner.runner.engine import Engine, resolve_engine
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner_manager import open_runner_manager
from tests.conftest import RecordFigures
from tests.support.engine_runner import ENGINES, PATIENCE
from tests.support.filling import fill
from tests.support.zoo.models import ZOO

pytestmark = [pytest.mark.engine, pytest.mark.slow]

FIRST_ERROR, LATER_ERROR = 0.2, 0.05
"""How far the first reckoning may be off, and one of other arguments after a load."""
FIRST = "first load"
FURTHER = os.environ.get("LLAMA_RUNNER_TEST_MODELS")
Parameters: TypeAlias = Mapping[str, str | int]
PLAIN: Parameters = {"ctx-size": 4096, "parallel": 1}
CHANGED: tuple[Parameters, ...] = (
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

    async def loaded(self, path: Path, parameters: Parameters) -> tuple[int, int]:
        """Return the bytes of RAM that were reckoned for a model and those it holds once used."""
        model = _model(path, parameters)
        launches: list[Launch] = []

        def launch() -> Launch:
            launches.append(_launch(self.engine, model))
            return launches[-1]

        spec = ModelSpec(
            model.key,
            1,
            launch,
            lambda: self.appraiser.footprint(model),
            context=context_of(model),
        )
        reckoned = self.appraiser.footprint(model).on(RAM)
        with trio.fail_after(PATIENCE):
            async with open_runner_manager(
                MemoryWatch(Gpus()).look,
                system_spawner(),
                SchedulingConfig(),
                30,
                Broadcaster(),
                attendants=[self.appraiser.attend],
            ) as runners:
                with runners.queue(spec, "test") as place:
                    await place.granted()
                    await fill(launches[-1], model.card)
                    seat = runners.seat(model.key)
                    assert seat is not None and seat.pid is not None
                    held, _ = held_by(seat.pid)
                    print(f"{path.name} {parameters}: {reckoned:,} reckoned, {held:,} held")
                    return reckoned, held


def _model(path: Path, parameters: Parameters) -> CatalogModel:
    # With one thread: two would wait for each other where others use the cores too.
    # Of the whole folder, since parts and projectors lie beside a model.
    cards = scan_here((path.parent,), None).cards
    (card,) = (card for card in cards if card.path == path)
    return CatalogModel(
        key=ModelKey("m"), card=card, config=ModelConfig(parameters={**parameters, "threads": 1})
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
    first = sorted(abs(error) for name, error in shares.items() if name.startswith(FIRST))
    worst = {f"{FIRST}, p95 of {len(first)}": first[ceil(0.95 * len(first)) - 1]} if first else {}
    record_figures(f"memory-{engine.kind.value}", {"reckoned over held, less 1": shares | worst})


@pytest.fixture
def real_models(chat_model: Path) -> list[Path]:
    return [chat_model, *(sorted(Path(FURTHER).glob("*.gguf")) if FURTHER else ())]


@pytest.mark.parametrize("name", ZOO)
async def test_the_first_load_of_a_small_model_takes_about_what_it_is_reckoned_to(
    loading: Loading, tmp_path: Path, errors: dict[str, float], name: str
) -> None:
    path = ZOO[name](tmp_path / name / f"{name}.gguf")
    reckoned, held = await loading.loaded(path, {})
    errors[f"{FIRST} of {name}"] = reckoned / held - 1
    assert reckoned == pytest.approx(held, rel=FIRST_ERROR)


async def test_the_first_load_of_a_real_model_takes_about_what_it_is_reckoned_to(
    loading: Loading, real_models: list[Path], errors: dict[str, float]
) -> None:
    for path in real_models:
        reckoned, held = await loading.loaded(path, {})
        errors[f"{FIRST} of {path.stem}"] = reckoned / held - 1
        assert reckoned == pytest.approx(held, rel=FIRST_ERROR)


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
