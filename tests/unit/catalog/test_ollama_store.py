from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from llama_runner.catalog.catalog import Catalog, build_catalog
from llama_runner.catalog.origin import OLLAMA
from llama_runner.catalog.scanner import ScanResult, scan_here
from llama_runner.catalog.store_places import StorePlace
from llama_runner.config.models import ModelConfig, ModelsConfig
from llama_runner.facades.ollama.details import listed
from tests.support.gguf_writer import ONE_TENSOR, encode_gguf, model_metadata, write_gguf
from tests.support.other_stores import FakeOllamaStore, listing_of

LIBRARY = "registry.ollama.ai/library"


def gguf(architecture: str = "llama", **more: Any) -> bytes:
    return encode_gguf(model_metadata(architecture, **more), ONE_TENSOR)


@pytest.fixture
def store(tmp_path: Path) -> FakeOllamaStore:
    return FakeOllamaStore(tmp_path / "ollama")


def scanned(store: FakeOllamaStore, *folders: Path) -> ScanResult:
    return scan_here(folders, others=[StorePlace(OLLAMA, store.folder)])


def catalog_of(result: ScanResult, **entries: ModelConfig) -> Catalog:
    return build_catalog(result.cards, ModelsConfig(models=entries))


def test_models_are_known_by_ollama_s_names(store: FakeOllamaStore) -> None:
    digest = store.add(f"{LIBRARY}/llama3.2/3b", ("model", gguf()))
    store.add(f"{LIBRARY}/qwen3/latest", ("model", gguf("qwen3")))
    store.add("registry.ollama.ai/me/mine/v1", ("model", gguf(general__name="mine")))
    store.add("hf.co/User/Repo-GGUF/Q4_K_M", ("model", gguf(general__name="hf")))
    before = listing_of(store.folder)
    result = scanned(store)
    assert result.passed_over == ()
    catalog = catalog_of(result)
    keys = {"llama3.2:3b", "qwen3:latest", "me/mine:v1", "hf.co/User/Repo-GGUF:Q4_K_M"}
    assert set(catalog.models) == keys
    assert catalog.resolve("qwen3").key == "qwen3:latest"
    assert catalog.resolve("LLAMA3.2:3B").key == "llama3.2:3b"
    assert catalog.resolve(f"{LIBRARY}/llama3.2:3b").key == "llama3.2:3b"
    entry = listed(catalog.resolve("llama3.2:3b"), 2048)
    manifest = store.folder / "manifests" / LIBRARY / "llama3.2" / "3b"
    layers = json.loads(manifest.read_text())
    assert (entry["name"], entry["digest"]) == ("llama3.2:3b", digest)
    assert entry["size"] == layers["layers"][0]["size"] + layers["config"]["size"]
    assert entry["details"]["family"] == "llama"
    assert listing_of(store.folder) == before


def test_what_a_manifest_says_is_below_what_the_configuration_says(store: FakeOllamaStore) -> None:
    parameters = {"temperature": 0.1, "stop": ["<end>"], "num_ctx": 1024, "num_predict": -2}
    store.add(
        f"{LIBRARY}/a/latest",
        ("model", gguf()),
        ("system", b"You are a pirate."),
        ("template", b"{{ .Prompt }}"),
        ("license", b"MIT"),
        ("params", json.dumps({**parameters, "seed": "no"}).encode()),
        ("messages", b'[{"role": "user", "content": "Hi"}]'),
    )
    result = scanned(store)
    model = catalog_of(result, a=ModelConfig(request_defaults={"temperature": 0.9})).resolve("a")
    assert model.config.request_defaults == {"temperature": 0.9, "stop": ["<end>"]}
    origin = model.card.origin
    assert (origin.system, origin.license, origin.context) == ("You are a pirate.", "MIT", 1024)
    assert origin.messages == ({"role": "user", "content": "Hi"},)


def test_projectors_and_adapters_are_found_by_the_manifest(store: FakeOllamaStore) -> None:
    projector = {"general.architecture": "clip", "clip.has_vision_encoder": True}
    store.add(
        f"{LIBRARY}/a/latest",
        ("model", gguf()),
        ("projector", encode_gguf(projector, ONE_TENSOR)),
        ("adapter", gguf(adapter__type="lora", general__type="adapter")),
    )
    (card,) = scanned(store).cards
    assert "vision" in card.capabilities and card.mmproj is not None
    (model,) = catalog_of(scanned(store)).models.values()
    assert model.config.parameters["lora"] == card.origin.adapters[0]


@pytest.mark.parametrize(
    ("layers", "config", "reason"),
    [
        ([("image.tensor", b"x")], None, "a format of Ollama's own"),
        ([("model", b"x")], {"model_format": "safetensors"}, "'safetensors', not gguf"),
        ([], {"remote_host": "https://ollama.com"}, "Ollama's cloud"),
        ([], None, "no files of weights"),
        ([("model", b"nothing")], None, "no GGUF file"),
        ([("model", gguf("mllama"))], None, "architecture mllama"),
        ([("model", gguf("gemma3", gemma3__vision__block_count=2))], None, "in the same file"),
        ([("model", gguf()), ("projector", b"x" * 90)], None, "no GGUF file"),
        ([("model", gguf()), ("adapter", gguf())], None, "no LoRA adapter"),
        ([("model", gguf()), ("params", b"{")], None, "is no JSON"),
    ],
)
def test_what_llama_cpp_cannot_load_is_told_beforehand(
    store: FakeOllamaStore, layers: Any, config: Any, reason: str
) -> None:
    store.add(f"{LIBRARY}/bad/1", *layers, config=config)
    store.add(f"{LIBRARY}/good/1", ("model", gguf(general__name="good")))
    result = scanned(store)
    assert list(catalog_of(result).models) == ["good:1"]
    (passed,) = result.passed_over
    assert passed.path == store.folder / "manifests" / LIBRARY / "bad" / "1"
    assert reason in passed.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        *((b"", "no JSON"), (b"\xff", "no JSON"), (b"[" * 100_000, "no JSON")),
        *((b"[]", "lists no layers"), (b'{"layers": 3}', "lists no layers")),
        *((b'{"layers": [7]}', "no type"), (b'{"layers": [{"mediaType": "x"}]}', "no sha256")),
        (b'{"layers": [{"mediaType": "x", "digest": "sha256:../../etc"}]}', "no sha256"),
        (b" " * 4_194_305, "more than 4194304"),
    ],
)
def test_a_broken_manifest_is_passed_over(
    store: FakeOllamaStore, content: bytes, reason: str
) -> None:
    (store.folder / "blobs").mkdir(parents=True)
    store.write(f"{LIBRARY}/bad/1", content)
    (passed,) = scanned(store).passed_over
    assert reason in passed.reason


def test_missing_and_cut_blobs_are_told(store: FakeOllamaStore) -> None:
    store.add(f"{LIBRARY}/cut/1", ("model", gguf()))
    store.add(f"{LIBRARY}/gone/1", ("model", gguf("qwen2")))
    cut, gone = (store.blob(gguf(name))["digest"] for name in ("llama", "qwen2"))
    (store.folder / "blobs" / cut.replace(":", "-")).write_bytes(b"GGUF")
    (store.folder / "blobs" / gone.replace(":", "-")).unlink()
    reasons = {p.path.parent.name: p.reason for p in scanned(store).passed_over}
    assert "has 4 bytes, expected" in reasons["cut"]
    assert "is missing" in reasons["gone"]


def test_a_store_without_manifests_is_passed_over(store: FakeOllamaStore) -> None:
    store.folder.mkdir()
    (passed,) = scanned(store).passed_over
    assert (passed.path, "does not exist" in passed.reason) == (store.folder / "manifests", True)


def test_names_of_the_same_content_are_one_model(store: FakeOllamaStore) -> None:
    for tag in ("3b", "latest"):
        store.add(f"{LIBRARY}/a/{tag}", ("model", gguf()))
    store.add(f"{LIBRARY}/pirate/1", ("model", gguf()), ("system", b"Arr"))
    catalog = catalog_of(scanned(store))
    assert set(catalog.models) == {"a:3b", "pirate:1"}
    assert catalog.resolve("a").key == "a:3b"


def test_the_models_folder_comes_first(store: FakeOllamaStore, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "models" / "mine.gguf")
    store.add(f"{LIBRARY}/a/1", ("model", file))
    store.add(f"{LIBRARY}/mine/latest", ("model", gguf("qwen2")))
    catalog = catalog_of(scanned(store, tmp_path / "models"))
    assert set(catalog.models) == {"mine", f"{LIBRARY}/mine:latest"}
    assert catalog.resolve("a:1").card.path == file
    assert catalog.resolve("mine").card.path == file


def test_an_extra_folder_may_be_a_store(store: FakeOllamaStore) -> None:
    store.add(f"{LIBRARY}/a/1", ("model", gguf()))
    assert list(catalog_of(scan_here([store.folder])).models) == ["a:1"]


if sys.platform != "win32":

    def test_links_in_circles_and_pipes_end(store: FakeOllamaStore) -> None:
        store.add(f"{LIBRARY}/a/1", ("model", gguf()))
        manifests = store.folder / "manifests"
        (manifests / "round").symlink_to(manifests)
        os.mkfifo(manifests / LIBRARY / "a" / "pipe")
        (manifests / LIBRARY / "a" / "loop").symlink_to("loop")
        result = scanned(store)
        assert list(catalog_of(result).models) == ["a:1"]
        told = {passed.path.name for passed in result.passed_over}
        assert {"pipe", "loop"} <= told
