"""The field ``format``: what an answer must look like."""

from __future__ import annotations

import json
from typing import Any

import orjson

from llama_runner.errors import BadRequest, shortened

_AN_OBJECT = {"type": "object"}


def read_format(value: Any) -> dict[str, Any] | None:
    """Return the JSON schema that an answer must follow, if there is one.

    Raises:
        BadRequest: it is neither ``"json"`` nor an object; 500, as with Ollama.

    """
    if value is None or value == "":
        return None
    if value == "json":
        return _AN_OBJECT
    if isinstance(value, dict):
        return value
    shown = json.dumps(shortened(orjson.dumps(value).decode()))
    expected = 'expected "json" or a valid JSON Schema object'
    raise BadRequest(f"invalid format: {shown}; {expected}", status=500)


def chat_format(schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the engine's chat route is told of a schema."""
    if schema is None:
        return {}
    if schema is _AN_OBJECT:
        return {"response_format": {"type": "json_object"}}
    return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}


def text_format(schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the engine's other routes are told of a schema."""
    return {} if schema is None else {"json_schema": schema}
