from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from llama_runner.catalog.catalog import CatalogModel, build_catalog
from llama_runner.catalog.gguf import Skipped, Value
from llama_runner.config.models import ModelConfig, ModelsConfig
from llama_runner.facades.ollama.headers import headers_of
from llama_runner.facades.ollama.parameters import parameter_lines, parameters_of
from llama_runner.facades.ollama.showing import Headers, show_fields
from llama_runner.runner.context import context_of
from tests.support.gguf_writer import model_metadata, write_gguf
from tests.support.model_cards import model_card

METADATA: dict[str, Value] = {
    "general.architecture": "llama",
    "general.name": "Hidden",
    "general.basename": "Small",
    "llama.context_length": 8192,
    "llama.rope.sections": (1, 2, 3, 4, 5, 6),
    "general.tags": ("a", "b"),
    "tokenizer.ggml.tokens": Skipped(49152),
    "tokenizer.chat_template": "hidden",
}
# Continue's own pattern for a line of parameters (core/llm/llms/Ollama.ts).
CONTINUE = re.compile(r"^(\S+)\s+(.+)$")


def model_of(card: Any = None, **config: Any) -> CatalogModel:
    card = card or model_card()
    entry = ModelConfig(path=str(card.path.absolute()), **config)
    models = build_catalog(
        [model_card(path=card.path.absolute())], ModelsConfig(models={"a": entry})
    )
    assert not models.problems
    return models.resolve("a")


def show(model: CatalogModel, agent: str = "", **asked: Any) -> dict[str, Any]:
    return show_fields(model, Headers(METADATA), {"model": "A", **asked}, agent, context_of(model))


def test_a_model_s_info_is_its_header_less_what_is_shown_elsewhere() -> None:
    info = show(model_of())["model_info"]
    assert "general.name" not in info and "tokenizer.chat_template" not in info
    assert info["general.tags"] == ["a", "b"]
    assert info["llama.rope.sections"] is info["tokenizer.ggml.tokens"] is None
    assert info["general.parameter_count"] == 1_000_000
    assert info["general.basename"] == "Small"
    verbose = show(model_of(), verbose=True)["model_info"]
    assert verbose["llama.rope.sections"] == [1, 2, 3, 4, 5, 6]


def test_the_context_is_what_a_request_gets() -> None:
    shown = show(model_of(parameters={"ctx-size": 4096, "parallel": 2}))
    assert shown["model_info"]["llama.context_length"] == 2048
    assert parameter_lines({"num_ctx": 2048}) == shown["parameters"].splitlines()
    assert "parameters" not in show(model_of())


def test_what_clients_need_is_there_when_the_file_cannot_be_read() -> None:
    shown = show_fields(model_of(), Headers(), {"model": "a"}, "", 8192)
    info = shown["model_info"]
    assert info["general.architecture"] == "llama"
    assert (info["llama.context_length"], info["llama.embedding_length"]) == (8192, 64)
    assert info["general.basename"] and info["general.parameter_count"]
    assert shown["capabilities"] == ["completion"]
    assert set(shown["details"]) >= {"family", "families", "parameter_size", "quantization_level"}
    assert "system" not in shown and "projector_info" not in shown
    orjson.dumps(shown)


def test_copilot_sees_the_name_that_it_asked_for() -> None:
    assert show(model_of(), "GitHubCopilotChat/0.30")["model_info"]["general.basename"] == "A"


def test_parameters_are_in_ollama_s_words_one_value_a_line() -> None:
    defaults = {"temperature": 0.5, "stop": ["</s>", 'a "b"\n'], "max_tokens": 9, "logit_bias": {}}
    model = model_of(request_defaults=defaults)
    lines = show(model)["parameters"].splitlines()
    assert lines == [
        "temperature                    0.5",
        'stop                           "</s>"',
        r'stop                           "a \"b\"\n"',
        "num_predict                    9",
    ]
    assert all(CONTINUE.match(line) for line in lines)
    assert "logit_bias" not in parameters_of(model, 8192)


def test_a_modelfile_could_be_built_from() -> None:
    model = model_of(request_defaults={"temperature": 0.5})
    shown = show(model, system='Be "kind"', options={"seed": 7})
    assert shown["system"] == 'Be "kind"'
    assert shown["modelfile"].splitlines()[4:] == [
        "FROM a:latest",
        "TEMPLATE {{ messages }}",
        'SYSTEM """Be "kind""""',
        "PARAMETER temperature 0.5",
        "PARAMETER seed 7",
    ]
    assert shown["template"] == "{{ messages }}"


@pytest.mark.parametrize("gone", [True, False])
async def test_headers_are_read_from_the_files(tmp_path: Path, gone: bool) -> None:
    path = tmp_path / "a.gguf"
    if not gone:
        write_gguf(path, model_metadata())
    headers = await headers_of(model_card(path=path, mmproj=tmp_path / "none.gguf"))
    found = headers.model.get("general.architecture")
    assert found == (None if gone else "llama")
    assert headers.projector == {}
