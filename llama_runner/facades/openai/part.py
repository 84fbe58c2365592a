"""A part of an answer, read from what the engine says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from llama_runner.errors import RunnerLost


@frozen
class Part:
    """What one event of the engine's adds to the answer.

    ``calls`` are fragments of tool calls. ``finish`` is why the answer is finished, if it
    is, and nothing follows where it ``ends``.
    """

    text: str = ""
    thinking: str = ""
    calls: Sequence[Any] = ()
    logprobs: Sequence[Any] = ()
    finish: str | None = None
    ends: bool = False


PartReader: TypeAlias = Callable[[Mapping[str, Any]], Part]


def chat_part(chunk: Mapping[str, Any]) -> Part:
    """Return what a chunk of OpenAI's chat holds, or a whole answer."""
    choice = _choice(chunk)
    delta = choice.get("delta") or choice.get("message") or {}
    if not isinstance(delta, dict):
        raise RunnerLost("the engine's stream holds a delta that is none")
    return Part(
        _text(delta, "content"),
        _text(delta, "reasoning_content"),
        _list(delta, "tool_calls"),
        _logprobs(choice),
        _finish(choice),
    )


def completion_part(chunk: Mapping[str, Any]) -> Part:
    """Return what a chunk of OpenAI's text completion holds."""
    choice = _choice(chunk)
    return Part(_text(choice, "text"), logprobs=_logprobs(choice), finish=_finish(choice))


def infill_part(chunk: Mapping[str, Any]) -> Part:
    """Return what an event of the engine's own ``/infill`` holds, behind whose last is no end."""
    ended = chunk.get("stop") is True
    reason = "length" if chunk.get("stop_type") == "limit" else "stop"
    logprobs = _list(chunk, "completion_probabilities")
    finish = reason if ended else None
    return Part(_text(chunk, "content"), logprobs=logprobs, finish=finish, ends=ended)


def _choice(chunk: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one choice that was asked for; a chunk may have none."""
    for choice in _list(chunk, "choices"):
        if isinstance(choice, dict):
            return choice
    return {}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _list(fields: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else ()


def _logprobs(choice: Mapping[str, Any]) -> Sequence[Any]:
    told = choice.get("logprobs")
    return _list(told, "content") if isinstance(told, dict) else ()


def _finish(choice: Mapping[str, Any]) -> str | None:
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) else None
