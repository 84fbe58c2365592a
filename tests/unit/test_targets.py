from __future__ import annotations

from pathlib import Path

import pytest

from llama_runner.catalog.card import ModelKind
from llama_runner.catalog.catalog import Catalog, CatalogModel, build_catalog
from llama_runner.concurrency.watched import Watched
from llama_runner.config.models import ModelConfig, ModelsConfig
from llama_runner.errors import BadRequest, UnknownModel
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.relay.relay_request import Task
from llama_runner.targets import REMEMBERED, Targets
from tests.support.fake_child import fake_launch
from tests.support.fake_memory import ram
from tests.support.model_cards import model_card


def _catalog(*names: str, kind: ModelKind = ModelKind.CHAT, **parameters: bool) -> Catalog:
    cards = [
        model_card(path=Path(f"models/{name}/{name}.gguf"), folders=(name,), kind=kind)
        for name in names
    ]
    entries = {name: ModelConfig(parameters=dict(parameters)) for name in names}
    return build_catalog(cards, ModelsConfig(models=entries))


def _targets(catalog: Catalog) -> tuple[Targets, Watched[Catalog], list[str]]:
    made: list[str] = []

    def spec_of(model: CatalogModel) -> ModelSpec:
        made.append(model.key)
        return ModelSpec(model.key, 1, lambda: fake_launch(model.key), lambda: ram(1))

    watched = Watched(catalog)
    return Targets(watched, spec_of), watched, made


def test_a_name_is_looked_up_once() -> None:
    targets, _, made = _targets(_catalog("a", "b"))
    assert targets.resolve("a") is targets.resolve("a")
    assert targets.resolve("b").model == "b"
    assert made == ["a", "b"]


def test_another_catalog_is_another_answer() -> None:
    targets, watched, _ = _targets(_catalog("a", "b"))
    assert targets.resolve("b").model == "b"
    watched.set(_catalog("a"))
    with pytest.raises(UnknownModel):
        targets.resolve("b")


def test_no_number_of_names_fills_the_memory() -> None:
    targets, _, _ = _targets(_catalog("abcdefghijkl"))
    for number in range(2 * REMEMBERED):
        spelled = "".join(
            letter.upper() if number >> place & 1 else letter
            for place, letter in enumerate("abcdefghijkl")
        )
        assert targets.resolve(spelled).model == "abcdefghijkl"
    assert len(targets._known) <= REMEMBERED


def test_an_unknown_name_is_not_remembered() -> None:
    targets, _, _ = _targets(_catalog("a"))
    for _ in range(2):
        with pytest.raises(UnknownModel):
            targets.resolve("z")
    assert not targets._known


def test_no_name_stands_for_the_only_model() -> None:
    targets, _, _ = _targets(_catalog("a"))
    assert targets.resolve("").model == "a"


def test_no_name_with_several_models_names_them() -> None:
    targets, _, _ = _targets(_catalog("a", "b"))
    with pytest.raises(BadRequest, match="expected one of: a, b"):
        targets.resolve("")


@pytest.mark.parametrize(
    ("kind", "tasks"),
    [
        (ModelKind.CHAT, (Task.CHAT, Task.COMPLETION, Task.RESPONSES, Task.INFILL)),
        (ModelKind.EMBEDDING, (Task.EMBEDDING,)),
        (ModelKind.RERANK, (Task.RERANK,)),
    ],
)
def test_a_model_is_asked_for_what_it_is_launched_for(
    kind: ModelKind, tasks: tuple[Task, ...]
) -> None:
    targets, _, _ = _targets(_catalog("a", kind=kind))
    assert targets.resolve("a").tasks == tasks


def test_a_chat_model_launched_for_embeddings_gives_only_those() -> None:
    targets, _, _ = _targets(_catalog("a", embedding=True))
    assert targets.resolve("a").tasks == (Task.EMBEDDING,)
