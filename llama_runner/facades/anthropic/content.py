"""The content blocks of an answer in the making, and the events that tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.facades.openai.part import Part

Event = dict[str, Any]


@define(eq=False)
class _Block:
    """One block: what it began as, and the pieces of its text, or of its call's input."""

    began: dict[str, Any]
    name: str
    call: int | None = None
    pieces: list[str] = field(factory=list, init=False)

    def whole(self) -> dict[str, Any]:
        text = "".join(self.pieces)
        return {**self.began, self.name: text if self.call is None else _input(text)}


@define(eq=False)
class Content:
    """Blocks follow one another; one that goes on later is a new one, but for calls."""

    _blocks: list[_Block] = field(factory=list, init=False)
    _open: bool = field(default=False, init=False)

    def add(self, part: Part) -> list[Event]:
        """Take a part of the answer; return the events that tell it."""
        told: list[Event] = []
        if part.thinking:
            told += self._go_on({"type": "thinking", "signature": ""}, "thinking", part.thinking)
        if part.text:
            told += self._go_on({"type": "text"}, "text", part.text)
        for fragment in part.calls:
            told += self._call(fragment)
        return told

    def stop(self) -> list[Event]:
        """Return the event that ends the last block, if it has not ended."""
        if not self._open:
            return []
        self._open = False
        index, block = len(self._blocks) - 1, self._blocks[-1]
        told: list[Event] = []
        if block.name == "thinking":
            told.append(_delta(index, {"type": "signature_delta", "signature": ""}))
        return [*told, {"type": "content_block_stop", "index": index}]

    def blocks(self) -> list[dict[str, Any]]:
        """Return all blocks, whole."""
        return [block.whole() for block in self._blocks]

    def _go_on(self, began: dict[str, Any], name: str, text: str) -> list[Event]:
        told: list[Event] = []
        if not self._open or self._blocks[-1].name != name:
            told = self._begin(_Block(began, name), {**began, name: ""})
        self._blocks[-1].pieces.append(text)
        delta = {"type": f"{name}_delta", name: text}
        return [*told, _delta(len(self._blocks) - 1, delta)]

    def _call(self, fragment: Any) -> list[Event]:
        function = fragment.get("function") if isinstance(fragment, dict) else None
        if not isinstance(function, Mapping):
            raise RunnerLost("the engine's stream holds a tool call that is none")
        number, told = fragment.get("index", 0), list[Event]()
        if not self._open or self._blocks[-1].call != number:
            name, called = function.get("name"), fragment.get("id")
            if not isinstance(name, str):
                raise RunnerLost("the engine's stream holds a tool call without a name")
            began = {"type": "tool_use", "id": called or f"toolu_{number}", "name": name}
            told = self._begin(_Block(began, "input", number), {**began, "input": {}})
        arguments = function.get("arguments")
        if isinstance(arguments, str) and arguments:
            self._blocks[-1].pieces.append(arguments)
            delta = {"type": "input_json_delta", "partial_json": arguments}
            told.append(_delta(len(self._blocks) - 1, delta))
        return told

    def _begin(self, block: _Block, shown: dict[str, Any]) -> list[Event]:
        told = self.stop()
        self._open = True
        self._blocks.append(block)
        index = len(self._blocks) - 1
        return [*told, {"type": "content_block_start", "index": index, "content_block": shown}]


def _delta(index: int, delta: dict[str, Any]) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def _input(text: str) -> Any:
    """Return a call's input; one that was cut by the end of the answer has none."""
    try:
        read = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}
