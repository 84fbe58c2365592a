"""Log probabilities of tokens, as Ollama tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llama_runner.errors import BadRequest

MOST = 20


def read_top(value: int) -> int:
    """Return for how many tokens at each place they are asked.

    Raises:
        BadRequest: they are too many, or fewer than none.

    """
    if not 0 <= value <= MOST:
        raise BadRequest(f"top_logprobs must be between 0 and {MOST}")
    return value


def ollama_logprobs(told: Iterable[Any], top: int) -> list[dict[str, Any]]:
    """Return what the engine tells of each token, with the ``top`` likeliest in its place."""
    found = []
    for one in told:
        if isinstance(one, dict):
            others = one.get("top_logprobs") if top else None
            more = {"top_logprobs": [_token(other) for other in others[:top]]} if others else {}
            found.append({**_token(one), **more})
    return found


def _token(told: Mapping[str, Any]) -> dict[str, Any]:
    text = told.get("token", "")
    return {
        "token": text,
        "logprob": told.get("logprob"),
        "bytes": told.get("bytes", list(str(text).encode())),
    }
