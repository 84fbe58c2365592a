"""Tool calls as Ollama tells them: whole, and with objects for arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from llama_runner.errors import RunnerLost


def ollama_calls(calls: Iterable[Mapping[str, Any]], *, cut: bool) -> list[dict[str, Any]]:
    """Return OpenAI's calls; of an answer that was ``cut`` without those that it ends within.

    Raises:
        RunnerLost: what a call passes on is no JSON object.

    """
    told = []
    for place, call in enumerate(calls):
        function = call.get("function")
        arguments = _arguments(function) if isinstance(function, dict) else None
        if isinstance(function, dict) and arguments is not None:
            called = {"index": place, "name": function.get("name", ""), "arguments": arguments}
            told.append({"id": call.get("id", ""), "function": called})
        elif not cut:
            raise RunnerLost("the engine's stream holds a tool call without its arguments")
    return told


def _arguments(function: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        arguments = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        return None
    return arguments if isinstance(arguments, dict) else None
