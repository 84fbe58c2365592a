"""Ollama's own client against the program, with real engines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

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


def test_texts_become_vectors_of_length_one(client):
    answer = client.embed("tiny-embedder", ["hello", "world", "hello"])
    assert answer.model == "tiny-embedder"
    first, second, third = answer.embeddings
    assert first == pytest.approx(third, abs=1e-5)
    assert first != pytest.approx(second, abs=1e-5)
    for vector in (first, second):
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-4)
    assert answer.prompt_eval_count >= 3
    assert answer.total_duration >= answer.load_duration > 0


def test_vectors_are_cut_and_are_of_length_one_again(client):
    (whole,) = client.embed("tiny-embedder", "hello").embeddings
    (cut,) = client.embed("tiny-embedder", "hello", dimensions=2).embeddings
    assert len(cut) == 2 < len(whole)
    assert math.hypot(*cut) == pytest.approx(1, abs=1e-6)
    assert cut[0] * whole[1] == pytest.approx(cut[1] * whole[0], abs=1e-4)


def test_the_old_route_gives_one_vector(client):
    (vector,) = client.embed("tiny-embedder", "hello").embeddings
    old = client.embeddings("tiny-embedder", "hello").embedding
    assert old == pytest.approx(vector, abs=1e-5)


def test_nothing_to_embed_loads(client):
    assert client.embed("tiny-embedder", "", keep_alive="1h").embeddings == []
    loaded = {model.model: model for model in client.ps().models}
    stays = loaded["tiny-embedder:latest"].expires_at - datetime.now(UTC)
    assert 3500 < stays.total_seconds() <= 3600


def test_a_text_that_is_too_long_is_cut(client):
    told = client.embed("tiny-embedder", ["hello", "hello " * 20_000])
    assert len(told.embeddings) == 2
    assert told.prompt_eval_count > 100


def test_what_cannot_be_embedded_is_told(client):
    for model, status in (("nobody", 404), ("chat", 501)):
        with pytest.raises(ollama.ResponseError) as told:
            client.embed(model, "hello")
        assert told.value.status_code == status
    with pytest.raises(ollama.ResponseError, match="exceeds the context length"):
        client.embed("tiny-embedder", "hello " * 20_000, truncate=False)
