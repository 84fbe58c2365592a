from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from llama_runner.config.app import AppConfig
from llama_runner.config.constraint import Number, OneOf, Text, WholeNumber
from llama_runner.config.converter import constraint_of
from llama_runner.config.json_schema import (
    DRAFT,
    SCHEMAS,
    as_json,
    rendered,
    schema_of,
    write_schemas,
)
from llama_runner.config.models import ModelConfig, ModelsConfig
from llama_runner.config.problem import Refused
from llama_runner.config.setting import settings_of
from llama_runner.config_loader import read_document

CONFIG = Path(__file__).resolve().parents[3] / "config"

VALIDATORS = {
    cls: Draft202012Validator(schema_of(cls, file_name)) for file_name, cls in SCHEMAS.items()
}

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 70_000)
    | st.just(5.0)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)

FLAGS = st.sampled_from(["ctx-size", "temp", "no-mmap", "ngl", "port", "--temp", "ctx_size", "a\n"])
REQUEST_FIELDS = st.sampled_from(["temperature", "stop", "model", "stream", "", "a b"])


def near(wanted: Any) -> st.SearchStrategy[Any]:
    """Draw documents that are right or nearly right for a type."""
    return st.one_of(right(wanted), right(wanted), right(wanted), JSON)


def right(wanted: Any) -> st.SearchStrategy[Any]:
    constraint = constraint_of(wanted)
    arguments = get_args(wanted)
    if attrs.has(wanted):
        return objects(wanted)
    match constraint:
        case WholeNumber(low, high):
            return st.integers(low, high) | st.sampled_from([low - 1, high + 1, low + 0.5])
        case Number(high, low, above):
            return st.floats(0, high) | st.sampled_from([low or 0, above or 0, high, high + 1])
        case Text():
            return st.from_regex(constraint.anchored) | st.text(max_size=8)
        case OneOf(choices):
            return st.sampled_from([*choices, choices[0].lower()])
    if get_origin(wanted) is tuple:
        return st.lists(near(arguments[0]), max_size=2)
    if get_origin(wanted) is Mapping:
        name = getattr(arguments[0], "__metadata__", (None,))[0]
        keys = {"FlagName": FLAGS, "RequestFieldName": REQUEST_FIELDS}.get(
            type(name).__name__, st.text(max_size=3)
        )
        return st.dictionaries(keys, near(arguments[1]), max_size=2)
    if NoneType in arguments:
        return st.none() | right(arguments[0])
    return st.booleans() if wanted is bool else JSON


def objects(cls: type[Any]) -> st.SearchStrategy[Any]:
    known = {name: near(setting.type) for name, setting in settings_of(cls).items()}
    typos = {"unknown": JSON, "$schema": st.just("x") | JSON}
    return st.one_of(
        st.fixed_dictionaries({}, optional=known),
        st.sets(st.sampled_from(sorted(known)), min_size=1, max_size=2).flatmap(
            lambda names: st.fixed_dictionaries({name: known[name] for name in names})
        ),
        st.fixed_dictionaries({}, optional={**known, **typos}),
    )


def accepts(document: Any, cls: type[Any]) -> bool:
    try:
        read_document(document, cls)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("cls", [AppConfig, ModelsConfig])
def test_schema_and_loader_agree(cls: type[Any]) -> None:
    verdicts = set()

    @settings(max_examples=400, deadline=None)
    @given(near(cls))
    def agree(document: Any) -> None:
        verdict = VALIDATORS[cls].is_valid(document)
        verdicts.add(verdict)
        assert accepts(document, cls) is verdict

    agree()
    assert verdicts == {True, False}, "the documents drawn are all right or all wrong"


@settings(max_examples=200, deadline=None)
@given(near(ModelConfig))
def test_schema_and_loader_agree_on_a_model(entry: Any) -> None:
    document = {"models": {"a": entry}}
    assert accepts(document, ModelsConfig) is VALIDATORS[ModelsConfig].is_valid(document)


@pytest.mark.parametrize(("file_name", "cls"), SCHEMAS.items())
def test_the_committed_schemas_are_the_generated_ones(file_name: str, cls: type[Any]) -> None:
    committed = (CONFIG / "schema" / file_name).read_text(encoding="utf-8")
    assert committed == rendered(
        schema_of(cls, file_name)
    ), "run python -m llama_runner.config.json_schema"


def test_the_schemas_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    write_schemas(tmp_path / "here")
    command = [sys.executable, "-m", "llama_runner.config.json_schema", str(tmp_path / "there")]
    subprocess.run(command, check=True, cwd=CONFIG.parent)
    for file_name in SCHEMAS:
        here, there = tmp_path / "here" / file_name, tmp_path / "there" / file_name
        assert here.read_bytes() == there.read_bytes()


@pytest.mark.parametrize(("file_name", "cls"), SCHEMAS.items())
def test_the_schemas_are_valid_by_their_draft(file_name: str, cls: type[Any]) -> None:
    schema = schema_of(cls, file_name)
    assert schema["$schema"] == DRAFT
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(("file_name", "cls"), SCHEMAS.items())
def test_the_shipped_files_validate_and_hold_the_defaults(file_name: str, cls: type[Any]) -> None:
    name = file_name.replace(".schema", "")
    document = json.loads((CONFIG / name).read_text(encoding="utf-8"))
    VALIDATORS[cls].validate(document)
    assert (CONFIG / document.pop("$schema")).is_file()
    assert document == as_json(cls())
    assert read_document(document, cls) == cls()


def test_every_listener_shows_its_own_default_port() -> None:
    schema = schema_of(AppConfig, "app_config.schema.json")
    listeners = schema["properties"]["listeners"]["properties"]
    assert listeners["ollama"]["properties"]["port"] == {
        "description": listeners["lmstudio"]["properties"]["port"]["description"],
        "type": "integer",
        "minimum": 1,
        "maximum": 65535,
        "default": 11434,
    }
    assert "required" not in listeners["ollama"]


def test_what_has_no_default_is_required() -> None:
    schema = schema_of(AppConfig, "app_config.schema.json")
    keys = schema["properties"]["security"]["properties"]["api_keys"]
    assert keys["items"]["required"] == ["name", "key"]
