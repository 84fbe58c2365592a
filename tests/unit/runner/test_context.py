from __future__ import annotations

from typing import Any

import pytest

from llama_runner.catalog.card import ModelKind
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.names import ModelKey
from llama_runner.config.models import ModelConfig
from llama_runner.errors import StartFailed
from llama_runner.runner.command import settings
from llama_runner.runner.context import context_of, with_context
from llama_runner.runner.flags import canonical
from tests.support.model_cards import model_card


def model_of(card: Any = None, **config: Any) -> CatalogModel:
    """Return a model that was trained for 8,192 tokens."""
    return CatalogModel(key=ModelKey("a"), card=card or model_card(), config=ModelConfig(**config))


@pytest.mark.parametrize(
    ("parameters", "whole"),
    [
        ({}, 8000),
        ({"ctx-size": 2048, "parallel": 1}, 4000),
        ({"ctx-size": 2048, "parallel": 4}, 16_000),
        ({"ctx-size": 2048, "parallel": 4, "kv-unified": True}, 4000),
    ],
)
def test_each_slot_gets_the_context_that_is_asked_for(
    parameters: dict[str, Any], whole: int
) -> None:
    grown = with_context(model_of(parameters=parameters), 4000)
    assert context_of(grown) == 4000
    assert settings(grown.card, canonical(grown.config.parameters))["ctx-size"] == whole


def test_all_else_stays_but_for_what_is_tried_without_memory() -> None:
    config = {"parameters": {"temp": 0.5}, "fallbacks": ({"ctx-size": 512},), "pinned": True}
    grown = with_context(model_of(**config), 4096)
    assert grown.config == ModelConfig(parameters={"temp": 0.5, "ctx-size": 8192}, pinned=True)


def test_an_input_to_embed_still_fits_one_batch() -> None:
    card = model_card(kind=ModelKind.EMBEDDING, context_length=2048, pooling=1)
    grown = with_context(model_of(card, parameters={"ctx-size": 512, "parallel": 1}), 2048)
    assert settings(card, canonical(grown.config.parameters))["ubatch-size"] == 2048


def test_what_cannot_be_launched_is_told() -> None:
    with pytest.raises(StartFailed, match="parallel"):
        with_context(model_of(parameters={"parallel": "many"}), 4096)
