from __future__ import annotations

from typing import Any

import pytest

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.formats import chat_format, read_format, text_format

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize("value", [None, ""])
def test_no_format_is_free(value: Any) -> None:
    assert read_format(value) is None
    assert chat_format(None) == text_format(None) == {}


def test_json_is_any_object() -> None:
    schema = read_format("json")
    assert chat_format(schema) == {"response_format": {"type": "json_object"}}
    assert text_format(schema) == {"json_schema": {"type": "object"}}


def test_a_schema_is_passed_on() -> None:
    schema = read_format(SCHEMA)
    told = chat_format(schema)["response_format"]
    assert told == {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
    assert text_format(schema) == {"json_schema": SCHEMA}


@pytest.mark.parametrize(
    ("value", "shown"), [("xml", r'"\"xml\""'), (7, '"7"'), (True, '"true"'), (["json"], r'"[\"js')]
)
def test_anything_else_is_refused_as_ollama_does(value: Any, shown: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_format(value)
    assert refused.value.status == 500
    assert str(refused.value).startswith(f"invalid format: {shown}")
    assert str(refused.value).endswith('expected "json" or a valid JSON Schema object')
