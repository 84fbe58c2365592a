"""Makes a prompt that is too long for a model's context fit, as Ollama's ``truncate`` does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from llama_runner.errors import EngineRefused
from llama_runner.facades.openai.errors import TOO_LONG
from llama_runner.relay.relay_request import RelayRequest
from llama_runner.wire.long_strings import whole_text

_BATCH = re.compile(r"input \((\d+) tokens\) is too large to process.*?batch size: (\d+)")
_ROOM = 0.9
"""What is kept of the tokens that fit, for what is cut is reckoned by its letters."""


def excess(error: EngineRefused) -> float | None:
    """Return which part of a prompt must go, None if its length is not what is wrong."""
    tokens, context = error.details.get("n_prompt_tokens"), error.details.get("n_ctx")
    if error.kind != TOO_LONG or not (isinstance(tokens, int) and isinstance(context, int)):
        return None
    return max(0.0, 1 - _ROOM * context / max(tokens, 1))


def without_oldest(request: RelayRequest, part: float) -> RelayRequest | None:
    """Return a chat less at least ``part`` of its letters; None if no message may go.

    The oldest go first; what instructs the model stays, and the last message does.
    """
    messages: Sequence[Mapping[str, Any]] = request.fields["messages"]
    sizes = [_size(message) for message in messages]
    wanted, gone = part * sum(sizes), 0
    dropped = set[int]()
    for place, message in enumerate(messages[:-1]):
        if message.get("role") == "system":
            continue
        if gone >= wanted and dropped and message.get("role") != "tool":
            break  # an answer of a tool would be left without its call
        dropped.add(place)
        gone += sizes[place]
    if not dropped:
        return None
    kept = [message for place, message in enumerate(messages) if place not in dropped]
    return evolve(request, fields={**request.fields, "messages": kept})


def without_beginning(request: RelayRequest, part: float) -> RelayRequest | None:
    """Return a text to be continued less ``part`` of it, cut at its beginning."""
    text = whole_text(request.fields["prompt"], request.aside)
    kept = text[int(len(text) * part) + 1 :]
    return evolve(request, fields={**request.fields, "prompt": kept}) if kept else None


def with_shorter_texts(request: RelayRequest, error: EngineRefused) -> RelayRequest | None:
    """Return texts to be embedded, the longest cut at their ends; None if length is not wrong.

    The engine tells how many tokens one text has that it does not take, and not which: it is
    reckoned as if that was the longest, so that each try leaves at most nine tenths of it.
    """
    lengths = _lengths(error)
    if lengths is None:
        return None
    tokens, room = lengths
    texts = [whole_text(text, request.aside) for text in request.fields["input"]]
    most = int(max(map(len, texts)) * _ROOM * min(1.0, room / tokens))
    if most < 1:
        return None
    return evolve(request, fields={**request.fields, "input": [text[:most] for text in texts]})


def _lengths(error: EngineRefused) -> tuple[int, int] | None:
    """Return how many tokens a text has, and how many it may have, if that is what is wrong."""
    told = (error.details.get("n_prompt_tokens"), error.details.get("n_ctx"))
    if error.kind != TOO_LONG or not all(isinstance(number, int) for number in told):
        found = _BATCH.search(str(error))
        told = (int(found[1]), int(found[2])) if found else (0, 0)
    tokens, room = told
    return (tokens, room) if isinstance(tokens, int) and isinstance(room, int) and tokens else None


def _size(message: Mapping[str, Any]) -> int:
    content = message.get("content")
    texts = [content] if isinstance(content, str) else [p.get("text", "") for p in content or ()]
    return 1 + sum(map(len, texts)) + len(str(message.get("tool_calls") or ""))
