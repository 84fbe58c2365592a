"""Schemas on which the engine would hang are refused; all others pass."""

from __future__ import annotations

from typing import Any

import pytest

from llama_runner.errors import BadRequest
from llama_runner.relay.schemas import MOST, refuse_unbearable_schemas

UNBEARABLE: list[tuple[dict[str, Any], str]] = [
    ({"minItems": 3, "maxItems": 2}, "expected a minItems of at most maxItems, got 3 and 2"),
    ({"minLength": 1, "maxLength": 0}, "expected a minLength of at most maxLength, got 1 and 0"),
    ({"maxItems": MOST + 1}, f"expected a maxItems of at most {MOST}, got {MOST + 1}"),
    ({"minItems": 10**30}, f"expected a minItems of at most {MOST}, got {10**30}"),
    ({"pattern": "^a{5,2}$"}, "expected a pattern that can be matched, got {5,2}"),
    ({"pattern": "^(a|b{99999})$"}, f"repeats at most {MOST} times, got {{99999}}"),
    ({"pattern": "a{1," + "9" * 5000 + "}"}, f"repeats at most {MOST} times, got {{1,999"),
]
BEARABLE: list[dict[str, Any]] = [
    {"minItems": 2, "maxItems": 2, "minLength": 0, "maxLength": 10**9},
    {"minItems": 9},
    {"minLength": "x", "maxLength": None, "minItems": True, "maxItems": 1.5},
    {"minItems": 3, "maxItems": -1},  # which the engine refuses itself
    {"pattern": r"^a{2}b{3,}c{1,4}\{9,1\}$"},
    {"pattern": 7},
    {"properties": {"maxItems": {"type": "string"}, "pattern": {"type": "string"}}},
]


def fields_with(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    deep = {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, schema]}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": deep}}
    form = {"type": "json_schema", "json_schema": {"schema": deep}}
    return [
        ("response_format", {"response_format": form}),
        ("json_schema", {"json_schema": schema}),
        ("tools", {"tools": [tool]}),
        ("functions", {"functions": [tool["function"]]}),
    ]


@pytest.mark.parametrize(("schema", "words"), UNBEARABLE)
def test_what_the_engine_would_hang_on_is_refused(schema: dict[str, Any], words: str) -> None:
    for name, fields in fields_with(schema):
        with pytest.raises(BadRequest) as refused:
            refuse_unbearable_schemas(fields)
        assert str(refused.value).startswith(f"'{name}': ")
        assert words in str(refused.value)
        assert (refused.value.status, refused.value.param) == (400, name)


@pytest.mark.parametrize("schema", BEARABLE)
def test_all_else_passes(schema: dict[str, Any]) -> None:
    for _, fields in fields_with(schema):
        refuse_unbearable_schemas(fields)


def test_what_is_no_schema_passes() -> None:
    refuse_unbearable_schemas({"tools": "{9,1}", "response_format": None, "functions": [7]})


def test_deep_schemas_are_looked_through() -> None:
    schema: dict[str, Any] = {"minItems": 3, "maxItems": 2}
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(BadRequest, match="minItems"):
        refuse_unbearable_schemas({"json_schema": schema})
