"""The program serves a model out of an imitated store of Ollama's with a real engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.ollama_client import ollama_client
from tests.support.other_stores import FakeOllamaStore, listing_of
from tests.support.served_program import Setup, served

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_ollama_s_models_are_served_where_they_lie(
    engine_name: str, chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeOllamaStore(tmp_path / "ollama")
    parameters = {"temperature": 0, "num_ctx": 512, "num_predict": 4}
    digest = store.add(
        "registry.ollama.ai/library/smol/135m",
        ("model", chat_model),
        ("params", json.dumps(parameters).encode()),
    )
    store.add("registry.ollama.ai/library/picture/1", ("image.tensor", b"x"))
    before = listing_of(store.folder)
    monkeypatch.setenv("OLLAMA_MODELS", str(store.folder))
    setup = Setup(tmp_path / "program", engine_name, app={"models": {"other_stores": ["ollama"]}})
    told = setup.run("models").stdout
    assert "smol:135m" in told and " ollama " in told
    assert "format of Ollama's own" in told
    with served(setup) as program, ollama_client(program) as client:
        (model,) = client.list().models
        assert (model.model, model.digest) == ("smol:135m", digest)
        answer = client.chat("smol:135m", [{"role": "user", "content": "Say hello."}])
        assert answer.message.content
        assert (answer.eval_count or 0) <= 4
        (loaded,) = client.ps().models
        assert loaded.context_length == 512
    assert listing_of(store.folder) == before
