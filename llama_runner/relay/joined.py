"""What the joiners of chats and completions have in common."""

from __future__ import annotations

from typing import Any, Protocol

import orjson
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.relay.gathered import Gathered
from llama_runner.relay.refusal import refusal_in_stream
from llama_runner.wire.sse import ServerSentEvent

END = b"[DONE]"
# The engine's own order in an answer that is not streamed; others follow.
_ORDER = ("created", "model", "system_fingerprint", "object", "usage", "id", "timings")
_ONLY_STREAMED = frozenset({"choices", "prompt_progress", "__verbose"})
# llama-server counts for each choice and tells the first one's count in a whole answer.
_PER_CHOICE = frozenset({"usage", "timings"})


class Joiner(Protocol):
    """Makes one answer from the events of a stream."""

    def feed(self, event: ServerSentEvent) -> None:
        """Take the next event."""
        ...

    def result(self) -> dict[str, Any]:
        """Return the answer, once all events were fed."""
        ...


@define(eq=False)
class Joined:
    """Gathers the events of one streamed answer, choice by choice."""

    _about: dict[str, Any] = field(factory=dict, init=False)
    _choices: dict[int, Gathered] = field(factory=dict, init=False)
    _current: int = field(default=0, init=False)
    _ended: bool = field(default=False, init=False)

    def feed(self, event: ServerSentEvent) -> list[tuple[int, dict[str, Any]]]:
        """Take the next event; return its choices, less their index, for the caller to add.

        Raises:
            EngineRefused: the event is the engine's error.
            RunnerLost: the event is nothing that the engine should say.
        """
        if event.data == END:
            self._ended = True
            return []
        chunk = read_chunk(event)
        if chunk is None or "prompt_progress" in chunk:
            return []
        choices = choices_of(chunk)
        if choices:
            self._current = choices[-1][0]
        self._note(chunk)
        return choices

    def choice(self, index: int) -> Gathered:
        """Return what was gathered of one choice."""
        found = self._choices.get(index)
        if found is None:
            found = self._choices[index] = Gathered()
        return found

    def whole(self) -> tuple[list[tuple[int, dict[str, Any]]], dict[str, Any]]:
        """Return the choices in their order, and the other fields in theirs.

        Raises:
            RunnerLost: the stream was broken off.
        """
        choices = [(index, self._choices[index].whole()) for index in sorted(self._choices)]
        if not (self._ended and choices and all(c.get("finish_reason") for _, c in choices)):
            raise RunnerLost("the engine broke off its answer before it was finished")
        known = {name: self._about[name] for name in _ORDER if name in self._about}
        return choices, {**known, **self._about}

    def _note(self, chunk: dict[str, Any]) -> None:
        for name, value in chunk.items():
            if name in _ONLY_STREAMED or (name in _PER_CHOICE and self._current != 0):
                continue
            self._about[name] = value


def read_chunk(event: ServerSentEvent) -> dict[str, Any] | None:
    """Return the object of an event, None if it is nothing.

    Raises:
        EngineRefused: the event is the engine's error.
        RunnerLost: the event is nothing that the engine should say.

    """
    try:
        chunk = orjson.loads(event.data)
    except orjson.JSONDecodeError as error:
        raise RunnerLost(f"the engine's stream holds what is not JSON: {error}") from None
    if isinstance(chunk, dict) and "error" in chunk:
        raise refusal_in_stream(chunk["error"])
    if event.name == "error":
        raise refusal_in_stream(chunk)
    if chunk is not None and not isinstance(chunk, dict):
        raise RunnerLost("the engine's stream holds what is no part of an answer")
    return chunk


def choices_of(chunk: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the choices of a chunk, less their index; raises RunnerLost if they are none."""
    choices = chunk.get("choices") or []
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise RunnerLost("the engine's stream holds choices that are none")
    return [(_index(choice), choice) for choice in choices]


def _index(choice: dict[str, Any]) -> int:
    index = choice.pop("index", 0)
    if type(index) is not int or index < 0:
        raise RunnerLost(f"the engine's stream holds a choice numbered {index!r}")
    return index
