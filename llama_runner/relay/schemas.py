"""Refuses schemas on which the engine would hang or be killed.

The engine makes a grammar of a schema, in which it writes repetitions out: with a
great bound, or a least one above the most, it takes all memory that there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from llama_runner.errors import BadRequest

MOST = 65_536
"""How often anything may be repeated; so much takes the engine less than a second."""

SCHEMA_FIELDS = ("response_format", "json_schema", "tools", "functions", "text")
"""The fields of OpenAI's and the engine's routes that hold schemas."""
_COUNTS = ("minItems", "maxItems")
_BOUNDS = (_COUNTS, ("minLength", "maxLength"))
_REPEATED = re.compile(r"(?<!\\)\{(\d+)(?:,(\d*))?\}")


def refuse_unbearable_schemas(fields: Mapping[str, Any]) -> None:
    """Look through the fields of a request that hold schemas.

    Raises:
        BadRequest: naming the field and the keyword.

    """
    for name, value in fields.items():
        for schema in _objects(value):
            for problem in _problems(schema):
                raise BadRequest(f"'{name}': {problem}", param=name, code="invalid_value")


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object in a JSON value, however deep it is nested."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            yield each
            left.extend(each.values())
        elif isinstance(each, list):
            left.extend(each)


def _problems(schema: Mapping[str, Any]) -> Iterator[str]:
    for name in _COUNTS:
        if _number(schema.get(name)) > MOST:
            yield f"expected a {name} of at most {MOST}, got {schema[name]}"
    for least, most in _BOUNDS:
        low, high = (_number(schema.get(name)) for name in (least, most))
        if most in schema and low > high >= 0:
            yield f"expected a {least} of at most {most}, got {low} and {high}"
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        yield from _repetition_problems(pattern)


def _repetition_problems(pattern: str) -> Iterator[str]:
    for repeated in _REPEATED.finditer(pattern):
        low, high = (int(number[:9] or 0) for number in (repeated[1], repeated[2] or ""))
        if max(low, high) > MOST:
            yield f"expected a pattern that repeats at most {MOST} times, got {repeated[0][:40]}"
        if repeated[2] and low > high:
            yield f"expected a pattern that can be matched, got {repeated[0][:40]}"


def _number(value: Any) -> int:
    """Return a whole number, 0 if it is anything else."""
    return value if type(value) is int else 0
