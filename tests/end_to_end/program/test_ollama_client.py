"""Ollama's own client against the program, with real engines."""

from __future__ import annotations

from collections.abc import Iterator

import ollama
import pytest

from tests.support.ollama_client import ollama_client
from tests.support.openai_client import openai_client
from tests.support.served_program import ServedProgram

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def client(program: ServedProgram) -> Iterator[ollama.Client]:
    with ollama_client(program) as client:
        yield client


def test_models_are_listed(client):
    listed = {model.model: model for model in client.list().models}
    assert set(listed) == {"chat:latest", "tiny-embedder:latest"}
    chat = listed["chat:latest"]
    assert chat.size > 1_000_000
    assert len(chat.digest) == 64
    assert chat.modified_at.year > 2000
    assert chat.details.family == "llama"
    assert chat.details.format == "gguf"


@pytest.mark.parametrize("name", ["chat", "chat:latest", "TALKER"])
def test_a_model_is_shown(client, name):
    shown = client.show(name)
    # The configured template knows tools and thoughts, and each of two slots has half of 4096.
    assert shown.capabilities == ["completion", "tools", "thinking"]
    assert shown.modelinfo["general.architecture"] == "llama"
    assert shown.modelinfo["llama.context_length"] == 2048
    assert shown.modelinfo["llama.embedding_length"] > 0
    assert shown.parameters.split() == ["num_ctx", "2048"]
    assert "tools" in shown.template
    assert shown.modelfile.startswith("# Modelfile")


def test_an_embedder_is_shown(client):
    assert client.show("tiny-embedder").capabilities == ["embedding"]


def test_an_unknown_model_is_told_in_ollama_s_words(client):
    with pytest.raises(ollama.ResponseError) as told:
        client.show("nobody")
    assert (told.value.status_code, told.value.error) == (404, "model 'nobody:latest' not found")


def test_what_is_loaded_is_listed(client, program):
    with openai_client(program) as other:
        other.completions.create(model="chat", prompt="Hi", max_tokens=1)
    loaded = {model.model: model for model in client.ps().models}
    chat = loaded["chat:latest"]
    assert chat.size > 1_000_000
    assert chat.size_vram <= chat.size
    assert chat.context_length == 2048
    assert chat.expires_at.year > 2000
