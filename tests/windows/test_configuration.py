"""Configuration as people on Windows write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.windows.embedder import place_embedder
from tests.windows.program import Installed, install, served

SPELLINGS = (
    r"F:\llm\llama\llama-server.exe",
    r"f:\LLM\Llama\LLAMA-SERVER.EXE",
    "F:/llm/llama/llama-server.exe",
)
FOLDERS = ("models", "Модели für Егор", "張 庭 綱", "with space & (1) 100%")


@pytest.fixture
def installed(shipped_engine: Path, tmp_path: Path) -> Installed:
    return install(tmp_path)


def configure(folder: Path, app: object, models: object = None) -> tuple[str, ...]:
    """Write both files, with the mark that Windows editors put first; return the option."""
    folder.mkdir(parents=True)
    (folder / "app_config.json").write_text(json.dumps(app), "utf-8-sig")
    (folder / "models_config.json").write_text(json.dumps(models or {}), "utf-8-sig")
    return ("--config-dir", str(folder))


@pytest.mark.parametrize("path", SPELLINGS)
async def test_the_engine_is_found_however_its_path_is_spelt(installed, tmp_path, path):
    options = configure(tmp_path / "config", {"engine": {"path": path}})
    code, said = await installed.run("validate", "--json", *options)
    assert code == 0, said
    assert json.loads(said.splitlines()[-1])["engine"].lower() == r"f:\llm\llama\llama-server.exe"


@pytest.mark.parametrize("name", FOLDERS)
async def test_models_are_found_whatever_their_folder_is_called(installed, tmp_path, name):
    model = tmp_path / name / "Tiny" / "tiny-embedder.gguf"
    place_embedder(model)
    options = configure(tmp_path / "config", {"models": {"dir": str(tmp_path / name)}})
    async with served(installed, *options) as program:
        url = f"{program.ready['lmstudio']}/v1/embeddings"
        fields = {"model": "tiny-embedder", "input": "a cat"}
        answer = (await program.client.post(url, json=fields)).json()
    assert len(answer["data"][0]["embedding"]) > 1, program.said.decode("utf-8", "replace")


async def test_a_path_longer_than_260_characters_is_read_or_its_failure_told(installed, tmp_path):
    deep = tmp_path / "/".join(["a folder with a rather long name"] * 8)
    place_embedder(deep / "tiny-embedder.gguf")
    assert len(str(deep)) > 260
    options = configure(tmp_path / "config", {"models": {"dir": str(tmp_path)}})
    code, said = await installed.run("models", "--json", *options)
    assert code == 0, said
    told = json.loads(said.splitlines()[-1])
    assert [model["key"] for model in told["models"]] == ["tiny-embedder"]


async def test_one_file_is_one_model_however_it_is_spelt(installed, tmp_path):
    model = tmp_path / "models" / "Tiny-Embedder.gguf"
    place_embedder(model)
    entry = {"mine": {"path": str(model).upper().replace("\\", "/")}}
    app = {"models": {"dir": str(model.parent)}}
    options = configure(tmp_path / "config", app, {"models": entry})
    _, said = await installed.run("models", "--json", *options)
    told = json.loads(said.splitlines()[-1])
    assert [model["key"] for model in told["models"]] == ["mine"]
    assert not told["problems"]
