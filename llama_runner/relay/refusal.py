"""What the engine says when it refuses, in an answer of its own or within a stream."""

from __future__ import annotations

from typing import Any

import orjson

from llama_runner.errors import EngineRefused

_LONGEST_QUOTE = 400


def refusal_of(status: int, body: bytes) -> EngineRefused:
    """Return the error that an answer with another status than 200 means."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and "error" in answer:
        return _refusal(answer["error"], status)
    text = body[:_LONGEST_QUOTE].decode(errors="replace").strip()
    return EngineRefused(text or f"the engine answered with status {status}", status=status)


def refusal_in_stream(error: Any) -> EngineRefused:
    """Return the error that ends a stream; its own code is the status it would have had."""
    code = error.get("code") if isinstance(error, dict) else None
    return _refusal(error, code if isinstance(code, int) and 400 <= code <= 599 else 500)


def _refusal(error: Any, status: int) -> EngineRefused:
    if not isinstance(error, dict):
        return EngineRefused(str(error), status=status)
    details = {key: value for key, value in error.items() if key not in ("message", "type", "code")}
    message, kind = error.get("message"), error.get("type")
    return EngineRefused(
        message if isinstance(message, str) and message else "the engine gave no reason",
        status=status,
        kind=kind if isinstance(kind, str) else "",
        details=details,
    )
