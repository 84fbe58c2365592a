from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.catalog.card import ModelKind
from llama_runner.catalog.catalog import Catalog, CatalogModel, build_catalog
from llama_runner.config.models import ModelConfig, ModelsConfig
from llama_runner.errors import BadRequest, UnknownModel
from llama_runner.runner.context import context_of
from llama_runner.facades.ollama.details import listed, parameter_size
from llama_runner.facades.ollama.digests import digest_of
from llama_runner.facades.ollama.loaded import loaded_fields
from llama_runner.facades.ollama.names import find, is_valid, listed_name, tagged
from llama_runner.facades.ollama.timestamps import FOREVER, local_time, utc_time
from llama_runner.lending.loaded import LoadedModel
from llama_runner.memory.amounts import Amounts
from tests.support.model_cards import model_card

SECOND = 1_000_000_000
GO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?(Z|[+-]\d\d:\d\d)")


def catalog_of(*names: str, **config: Any) -> Catalog:
    cards = [model_card(path=Path(f"m/{name}/{name}.gguf"), folders=(name,)) for name in names]
    entries = {name: ModelConfig(**config) for name in names} if config else {}
    return build_catalog(cards, ModelsConfig(models=entries))


def model_of(**config: Any) -> CatalogModel:
    return catalog_of("a", **config).resolve("a")


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        *((134_515_008, "134.52M"), (3_212_749_888, "3.2B"), (70_000_000_000, "70B")),
        *((7_000_000, "7M"), (1_500_000_000_000, "1.5T"), (12_345, "12K"), (999, "999"), (0, "0")),
    ],
)
def test_a_number_of_weights_is_written_as_ollama_does(parameters: int, size: str) -> None:
    assert parameter_size(parameters) == size


@pytest.mark.parametrize(
    ("nanoseconds", "written"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
        (1_700_000_000_120_000_000, "2023-11-14T22:13:20.12Z"),
        (-5, "1970-01-01T00:00:00Z"),
    ],
)
def test_times_have_the_digits_they_need(nanoseconds: int, written: str) -> None:
    assert utc_time(nanoseconds) == written


@pytest.mark.parametrize(("minutes", "offset"), [(120, "+02:00"), (-210, "-03:30"), (0, "Z")])
def test_times_carry_the_zone_they_are_told_in(minutes: int, offset: str) -> None:
    zone = timezone(timedelta(minutes=minutes))
    written = local_time(1_700_000_000 * SECOND, zone)
    assert written.endswith(offset)
    assert datetime.fromisoformat(written).timestamp() == 1_700_000_000


@given(st.integers(-(2**70), 2**70))
def test_any_time_can_be_written(nanoseconds: int) -> None:
    assert GO_TIME.fullmatch(local_time(nanoseconds))


def test_a_listing_always_carries_a_tag_which_finds_the_model() -> None:
    entry = listed(model_of(), 8192)
    assert entry["name"] == entry["model"] == "a:latest"
    catalog = catalog_of("a", "qwen3-8b")
    for model in catalog.models.values():
        assert find(catalog, listed_name(model)) is model


@pytest.mark.parametrize(
    ("name", "with_tag"),
    [
        *(("smollm2", "smollm2:latest"), ("smollm2:135m", "smollm2:135m")),
        *(("me/x", "me/x:latest"), ("host:80/me/x", "host:80/me/x:latest")),
    ],
)
def test_the_default_tag_is_latest(name: str, with_tag: str) -> None:
    assert tagged(name) == with_tag


@pytest.mark.parametrize("name", ["a", "A:latest", " a ", "a:LATEST"])
def test_a_name_is_found_in_any_case(name: str) -> None:
    assert find(catalog_of("a"), name).key == "a"


def test_another_tag_is_another_model() -> None:
    with pytest.raises(UnknownModel):
        find(catalog_of("a"), "a:8b")


@pytest.mark.parametrize(
    "name", ["a b", "-a", "a:", ":a", "a//b", "a/b/c/d", "é", "a" * 81, "a:b:c"]
)
def test_what_is_no_name_is_told_so(name: str) -> None:
    assert not is_valid(name)
    with pytest.raises(BadRequest, match="^invalid model name$"):
        find(catalog_of("z"), name)


def test_details_tell_what_clients_look_for() -> None:
    entry = listed(model_of(), 8192)
    assert entry["details"] == {
        **{"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"]},
        **{"parameter_size": "1M", "quantization_level": "Q4_K_M"},
        **{"context_length": 8192, "embedding_length": 64},
    }
    assert entry["capabilities"] == ["completion"]
    assert entry["size"] == 1_000_000
    assert datetime.fromisoformat(entry["modified_at"]).timestamp() == pytest.approx(
        1_700_000_000.12
    )


def test_a_model_without_a_capability_has_an_empty_list_of_them() -> None:
    card = model_card(kind=ModelKind.RERANK, capabilities=frozenset())
    model = build_catalog([card], ModelsConfig()).resolve("plain.Q4_K_M")
    assert listed(model, 8192)["capabilities"] == []


def test_a_digest_is_of_the_file_not_of_the_moment() -> None:
    card = model_card()
    assert re.fullmatch("[0-9a-f]{64}", digest_of(card))
    assert digest_of(card) == digest_of(model_card())
    others = [
        evolve(card, size=7),
        evolve(card, modified_ns=7),
        evolve(card, folders=("other",)),
        evolve(card, shards=(Path("models/plain/other.gguf"),)),
    ]
    assert len({digest_of(card), *map(digest_of, others)}) == 5


@pytest.mark.parametrize(
    ("parameters", "context"),
    [
        ({}, 8192),
        ({"ctx-size": 4096, "parallel": 1}, 4096),
        ({"ctx-size": 4096, "parallel": 2}, 2048),
        ({"ctx-size": 4096, "parallel": 2, "kv-unified": True}, 4096),
        ({"ctx-size": 999_999, "parallel": 1}, 8192),
        ({"ctx-size": 0}, 8192),
        ({"ctx-size": "wrong"}, 8192),
    ],
)
def test_the_context_that_is_told_is_what_a_request_gets(
    parameters: dict[str, object], context: int
) -> None:
    assert context_of(model_of(parameters=parameters)) == context


def test_what_is_loaded_is_listed_the_longest_stay_first() -> None:
    loaded = [
        LoadedModel("a", Amounts({"ram": 10, "GPU-1": 90}), 5.0, 4096),
        LoadedModel("b", Amounts({"ram": 7}), None, 8192),
        LoadedModel("gone", Amounts({"ram": 7}), None, 8192),
    ]
    now = 1_700_000_000 * SECOND
    b, a = loaded_fields(catalog_of("a", "b"), loaded, now)["models"]
    assert (a["name"], a["size"], a["size_vram"]) == ("a:latest", 100, 90)
    assert (b["model"], b["size"], b["size_vram"]) == ("b:latest", 7, 0)
    assert datetime.fromisoformat(a["expires_at"]).timestamp() == 1_700_000_005
    assert b["expires_at"].startswith("2316-")  # 292 years later
    assert (a["context_length"], b["context_length"]) == (4096, 8192)
    assert "context_length" not in a["details"]
    assert a["digest"] == digest_of(catalog_of("a").resolve("a").card)


def test_for_ever_is_the_longest_that_go_can_tell() -> None:
    assert FOREVER / 86_400 / 365.25 == pytest.approx(292.3, abs=0.1)
