from __future__ import annotations

import json
from pathlib import Path

import pytest

from llama_runner.catalog.catalog import build_catalog
from llama_runner.catalog.origin import HUGGING_FACE, LM_STUDIO, OLLAMA
from llama_runner.catalog.scanner import scan_here
from llama_runner.catalog.store_places import StorePlace, other_places
from llama_runner.config.models import ModelsConfig
from llama_runner.config.other_stores import OTHER_STORES
from tests.support.gguf_writer import ONE_TENSOR, encode_gguf, model_metadata, write_gguf
from tests.support.other_stores import FakeOllamaStore, add_snapshot, listing_of


def _below(home: Path, *folders: str) -> list[Path]:
    for folder in folders:
        (home / folder).mkdir(parents=True)
    return [home / folder for folder in folders]


def _places(home: Path, *wanted: str, **environ: str) -> list[StorePlace]:
    found = other_places(wanted or OTHER_STORES, environ, home)
    return [place for place in found if place.folder.is_relative_to(home)]


def test_each_store_is_looked_for_where_it_lies_by_itself(tmp_path: Path) -> None:
    assert _places(tmp_path) == []
    names = (".ollama/models", ".lmstudio/models", ".cache/huggingface/hub")
    folders = _below(tmp_path, *names)
    expected = list(map(StorePlace, OTHER_STORES, folders))
    assert _places(tmp_path) == expected
    assert _places(tmp_path, "lmstudio") == [expected[1]]


@pytest.mark.parametrize(
    ("variable", "store", "below"),
    [
        *(("OLLAMA_MODELS", OLLAMA, ""), ("HF_HUB_CACHE", HUGGING_FACE, "")),
        ("HF_HOME", HUGGING_FACE, "hub"),
    ],
)
def test_an_environment_variable_names_another_folder(
    tmp_path: Path, variable: str, store: str, below: str
) -> None:
    _below(tmp_path, ".ollama/models", ".cache/huggingface/hub")
    (named,) = _below(tmp_path, f"named/{below}")
    places = _places(tmp_path, store, **{variable: str(tmp_path / "named")})
    assert places == [StorePlace(store, named)]


def test_lm_studio_s_settings_name_a_folder(tmp_path: Path) -> None:
    elsewhere, own = _below(tmp_path, "elsewhere", ".lmstudio/models")
    settings = tmp_path / ".lmstudio" / "settings.json"
    settings.write_text(json.dumps({"downloadsFolder": str(elsewhere)}), "utf-8")
    assert _places(tmp_path) == [StorePlace(LM_STUDIO, elsewhere), StorePlace(LM_STUDIO, own)]
    for broken in ("{", "[]", '{"downloadsFolder": 7}', '{"downloadsFolder": "\\u0000"}'):
        settings.write_text(broken, "utf-8")
        assert _places(tmp_path) == [StorePlace(LM_STUDIO, own)]


def test_lm_studio_s_models_are_known_by_publisher_repository_and_file(tmp_path: Path) -> None:
    write_gguf(tmp_path / "publisher" / "repo-GGUF" / "model-Q8_0.gguf")
    before = listing_of(tmp_path)
    result = scan_here((), others=[StorePlace(LM_STUDIO, tmp_path)])
    catalog = build_catalog(result.cards, ModelsConfig())
    (model,) = catalog.models.values()
    assert model.card.origin.store == LM_STUDIO
    for name in ("model-q8_0", "publisher/repo-GGUF/model-Q8_0.gguf", "publisher/repo-gguf"):
        assert catalog.resolve(name) is model
    assert listing_of(tmp_path) == before


@pytest.mark.parametrize("links", [True, False])
def test_hugging_face_s_models_are_known_by_user_repository_and_quantisation(
    tmp_path: Path, links: bool
) -> None:
    content = encode_gguf(model_metadata(), ONE_TENSOR)
    try:
        path = add_snapshot(tmp_path, "User/Repo-GGUF", "repo-Q4_K_M.gguf", content, links=links)
    except OSError:
        assert links  # Windows makes none for most users, and the cache has files there
        return
    (tmp_path / "models--no--snapshots").mkdir()
    (tmp_path / "datasets--a--b").mkdir()
    result = scan_here((), others=[StorePlace(HUGGING_FACE, tmp_path)])
    assert result.passed_over == ()
    catalog = build_catalog(result.cards, ModelsConfig())
    assert list(catalog.models) == ["User/Repo-GGUF:Q4_K_M"]
    assert catalog.resolve("user/repo-gguf:q4_k_m").card.path == path
    assert catalog.resolve("user/repo-gguf").card.path == path


def test_one_content_in_two_stores_is_one_model(tmp_path: Path) -> None:
    content = encode_gguf(model_metadata(), ONE_TENSOR)
    cache, store = tmp_path / "hub", FakeOllamaStore(tmp_path / "ollama")
    try:
        add_snapshot(cache, "User/Repo", "repo-Q4_0.gguf", content, links=True)
    except OSError:
        return  # without links a file's name does not tell its content
    store.add("hf.co/User/Repo/Q4_0", ("model", content))
    others = [StorePlace(HUGGING_FACE, cache), StorePlace(OLLAMA, store.folder)]
    catalog = build_catalog(scan_here((), others=others).cards, ModelsConfig())
    assert list(catalog.models) == ["User/Repo:Q4_0"]
    assert catalog.resolve("hf.co/User/Repo:Q4_0").key == "User/Repo:Q4_0"
