"""What makes saved prompts of use to a later load, and what does not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.names import ModelKey
from llama_runner.config.models import ModelConfig
from llama_runner.lending.identity import load_of, prompt_identity
from llama_runner.runner.engine import Engine, EngineKind
from tests.support.model_cards import model_card

FILES = ("model.gguf", "engine", "adapter.gguf", "projector.gguf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_text("1")
    return tmp_path


def identity(folder: Path, key: str = "m", mmproj: str = "", **parameters: Any) -> str:
    named = {name.replace("_", "-"): value for name, value in parameters.items()}
    config = ModelConfig(parameters=named, mmproj=mmproj or str(folder / "projector.gguf"))
    card = model_card(path=folder / "model.gguf")
    model = CatalogModel(key=ModelKey(key), card=card, config=config)
    engine = Engine((str(folder / "engine"),), EngineKind.LLAMA_SERVER, "engine", "")
    return prompt_identity(model, engine)


def test_it_is_the_same_for_the_same(folder: Path) -> None:
    assert identity(folder) == identity(folder, key="another name", threads=3, temp=0.5)


def test_it_holds_no_word_of_what_it_stands_for(folder: Path) -> None:
    assert len(identity(folder)) == 32
    assert int(identity(folder), 16)


@pytest.mark.parametrize(
    "parameters",
    [{"ctx_size": 1024}, {"parallel": 3}, {"cache_type_k": "q8_0"}, {"mmproj": "another"}],
    ids=lambda parameters: next(iter(parameters)),
)
def test_with_other_arguments_it_is_another(folder: Path, parameters: dict[str, Any]) -> None:
    assert identity(folder, **parameters) != identity(folder)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", ["size", "time"])
def test_with_another_file_it_is_another(folder: Path, name: str, change: str) -> None:
    adapter = str(folder / "adapter.gguf")
    before = identity(folder, lora=adapter)
    if change == "size":
        (folder / name).write_text("22")
    os.utime(folder / name, (1, 1))
    assert identity(folder, lora=adapter) != before


def test_a_load_is_told_from_others_by_all_of_its_arguments(folder: Path) -> None:
    engine = Engine((str(folder / "engine"),), EngineKind.LLAMA_SERVER, "engine", "")
    loads = {
        load_of(
            CatalogModel(
                key=ModelKey("m"),
                card=model_card(),
                config=ModelConfig(parameters={"threads": threads}),
            ),
            engine,
        )
        for threads in (1, 2)
    }
    assert len(loads) == 2
