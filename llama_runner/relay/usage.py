"""Token accounting from what the engine says at the end of its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from llama_runner.events.usage import Usage

# Longer than what the engine writes there by far.
_LONGEST = 4096
_AGES = 1e12

_read_value = json.JSONDecoder().raw_decode


def usage_of_answer(body: bytes) -> Usage | None:
    """Return what a JSON answer says it took, if it does."""
    # Embeddings say it before their numbers, everything else at its end.
    return usage_of_tail(body[-_LONGEST:]) or usage_of_tail(body[:_LONGEST])


def usage_of_tail(tail: bytes) -> Usage | None:
    """Return what the last bytes of a stream say it took, if they do.

    The first event may be cut. With several choices these are the counts of
    the one that was finished last: the engine tells no sum of them.
    """
    timings = _last_object(tail, b'"timings":')
    if timings is not None and "predicted_n" in timings:
        return usage_of_timings(timings)
    usage = _last_object(tail, b'"usage":')
    return None if usage is None else _of_usage(usage)


def usage_of_timings(timings: Mapping[str, Any]) -> Usage:
    """Return what the engine's own object ``timings`` says."""
    cached = _count(timings, "cache_n")
    return Usage(
        cached + _count(timings, "prompt_n"),
        cached,
        _count(timings, "predicted_n"),
        _milliseconds(timings, "prompt_ms"),
        _milliseconds(timings, "predicted_ms"),
    )


def _of_usage(usage: Mapping[str, Any]) -> Usage:
    """Read OpenAI's object of chats, or that of its Responses, whose names are others."""
    read, said = ("input", "output") if "input_tokens" in usage else ("prompt", "completion")
    details = usage.get(f"{read}_tokens_details")
    return Usage(
        _count(usage, f"{read}_tokens"),
        _count(details, "cached_tokens") if isinstance(details, dict) else 0,
        _count(usage, f"{said}_tokens"),
    )


def _last_object(text: bytes, key: bytes) -> dict[str, Any] | None:
    """Return the last whole object under ``key``.

    Searched for as bytes: within a JSON string the key's quotes would be
    escaped, so that what the model wrote is never taken for it.
    """
    place = text.rfind(key)
    while place >= 0:
        value = _object_at(text, place + len(key))
        if value is not None:
            return value
        place = text.rfind(key, 0, place)
    return None


def _object_at(text: bytes, start: int) -> dict[str, Any] | None:
    try:
        # Timings hold numbers only, so their first brace is their last.
        value = orjson.loads(text[start : text.find(b"}", start) + 1])
    except orjson.JSONDecodeError:
        value = _nested_object_at(text, start)
    return value if isinstance(value, dict) else None


def _nested_object_at(text: bytes, start: int) -> Any:
    try:
        return _read_value(text[start : start + _LONGEST].decode("ascii", "replace").lstrip())[0]
    except (ValueError, RecursionError):
        return None


def _count(fields: Mapping[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and value > 0 else 0


def _milliseconds(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    return float(value) if isinstance(value, int | float) and 0 < value < _AGES else 0.0
