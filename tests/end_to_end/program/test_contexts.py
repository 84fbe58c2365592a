"""A client that wants a larger context, against the program with real engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ollama
import pytest
from attrs import evolve

from tests.support.ollama_client import ollama_client
from tests.support.served_program import ServedProgram, Setup, served
from tests.support.zoo.bert import write_embedder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NAME = "tiny-embedder"
LONG = "hello " * 15
"""77 tokens: one for each letter, and two around them."""


@pytest.fixture
def growing(setup: Setup, tmp_path: Path) -> Iterator[ServedProgram]:
    """Return a program whose model has 64 of 128 tokens, and may grow."""
    parameters = {"ctx-size": 128, "parallel": 2}
    models = {"models": {NAME: {"parameters": parameters, "larger_context": "grow"}}}
    setup = evolve(setup, folder=tmp_path, models=models)
    write_embedder(setup.models_dir / NAME / f"{NAME}.gguf")
    with served(setup) as program:
        yield program


@pytest.fixture
def client(growing: ServedProgram) -> Iterator[ollama.Client]:
    with ollama_client(growing) as client:
        yield client


def test_a_model_is_loaded_again_with_what_is_wanted(client, growing):
    assert client.show(NAME).modelinfo["bert.context_length"] == 64
    with pytest.raises(ollama.ResponseError, match="exceeds the context length"):
        client.embed(NAME, LONG, truncate=False)
    first = {process.pid for process in growing.engines()}
    assert client.embed(NAME, LONG, options={"num_ctx": 128}).prompt_eval_count > 64
    assert client.ps().models[0].context_length == 128
    grown = {process.pid for process in growing.engines()}
    assert not first & grown
    for wanted in (64, 128):
        client.embed(NAME, LONG, options={"num_ctx": wanted})
    assert {process.pid for process in growing.engines()} == grown
    assert client.show(NAME).modelinfo["bert.context_length"] == 128
