"""Models that lie in our own store: known by the names they were given there."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from llama_runner.catalog.catalog import Catalog, build_catalog
from llama_runner.catalog.kept_manifest import KeptFile, KeptManifest
from llama_runner.catalog.scanner import ScanResult, scan_here
from llama_runner.config.models import ModelsConfig
from tests.support.gguf_writer import model_metadata, write_gguf


def keep(folder: Path, name: str, **texts: str) -> Path:
    """Write a model of the store; return its folder."""
    home = folder / name.replace(":", "@").replace("/", "@")
    path = write_gguf(home / "model.gguf")
    files = (KeptFile("model.gguf", "model", path.stat().st_size, None),)
    told = {role: (text,) for role, text in texts.items()}
    (home / "manifest.json").write_text(KeptManifest(name, files, told).written(), "utf-8")
    return home


def found(folder: Path) -> tuple[ScanResult, Catalog]:
    result = scan_here((folder,))
    return result, build_catalog(result.cards, ModelsConfig())


def test_a_model_has_its_name_and_all_that_its_manifest_says(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Hi", "more": 1}, "no message"]
    home = keep(
        tmp_path,
        "me/tiny:v1",
        system="S",
        params=json.dumps({"temperature": 0.5, "num_ctx": 512}),
        messages=json.dumps(said),
        template="{{ .Prompt }}!",
        license="MIT",
    )
    model = found(tmp_path)[1].resolve("me/tiny:v1")
    origin = model.card.origin
    assert (model.key, origin.is_kept, origin.system, origin.license) == (
        *("me/tiny:v1", True, "S", "MIT"),
    )
    assert origin.messages == ({"role": "user", "content": "Hi"},)
    assert origin.digest == sha256((home / "manifest.json").read_bytes()).hexdigest()
    assert origin.size > (home / "model.gguf").stat().st_size
    assert model.config.request_defaults["temperature"] == 0.5 and origin.context == 512
    # The file has no template, so the told one stands in.
    assert model.chat_template is not None and '{{- "!" -}}' in model.chat_template


def test_a_template_that_was_chosen_goes_before_the_files_own(tmp_path: Path) -> None:
    home = keep(tmp_path, "tiny:v1", template="{{ .Prompt }}")
    path = write_gguf(home / "model.gguf", model_metadata(tokenizer__chat_template="{{ own }}"))
    manifest = json.loads((home / "manifest.json").read_text("utf-8"))
    manifest["files"][0]["size"] = path.stat().st_size
    (home / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert found(tmp_path)[1].resolve("tiny:v1").chat_template == "{{ own }}"
    manifest["texts"]["chat_template"] = ["{% chosen %}"]
    (home / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert found(tmp_path)[1].resolve("tiny:v1").chat_template == "{% chosen %}"


def test_a_name_that_was_asked_for_goes_before_that_of_a_file(tmp_path: Path) -> None:
    keep(tmp_path, "tiny:latest")
    write_gguf(tmp_path / "by-hand" / "tiny.gguf")
    catalog = found(tmp_path)[1]
    assert catalog.resolve("tiny").card.origin.is_kept
    assert set(catalog.models) == {"tiny:latest", "by-hand/tiny"}


def test_two_names_of_one_file_are_two_models(tmp_path: Path) -> None:
    first = keep(tmp_path, "first:latest")
    second = keep(tmp_path, "second:latest", system="S")
    (second / "model.gguf").unlink()
    (second / "model.gguf").hardlink_to(first / "model.gguf")
    assert set(found(tmp_path)[1].models) == {"first:latest", "second:latest"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "no manifest of format 1"),
        ({"files": []}, "names no file of weights"),
        ({"files": [{"role": "model"}]}, "not whole"),
        ({"files": [{"name": "../x", "role": "model", "size": 1}]}, "no name of a file"),
        ({"files": [{"name": "no.gguf", "role": "model", "size": 1}]}, "no.gguf is missing"),
        ({"files": [{"name": "model.gguf", "role": "model", "size": 1}]}, "of 1 bytes"),
        ({"texts": []}, "not whole"),
    ],
)
def test_a_folder_whose_manifest_is_of_no_use_is_like_any_other(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    home = keep(tmp_path, "tiny:v1")
    manifest = json.loads((home / "manifest.json").read_text("utf-8"))
    (home / "manifest.json").write_text(json.dumps({**manifest, **change}), "utf-8")
    result, catalog = found(tmp_path)
    assert [passed.path for passed in result.passed_over] == [home / "manifest.json"]
    assert reason in result.passed_over[0].reason
    assert set(catalog.models) == {"model"}
