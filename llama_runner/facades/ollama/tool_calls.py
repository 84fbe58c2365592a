"""Tool calls, gathered from their fragments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.relay.gathered import Gathered


@define(eq=False)
class ToolCalls:
    """Gathers the calls of one answer; Ollama tells each of them whole."""

    _calls: dict[int, Gathered] = field(factory=dict, init=False)

    def add(self, fragments: Sequence[Any]) -> None:
        """Take what came of them.

        Raises:
            RunnerLost: it is no part of a call.

        """
        for fragment in fragments:
            index = fragment.get("index", len(self._calls)) if isinstance(fragment, dict) else None
            if type(index) is not int:
                raise RunnerLost("the engine's stream holds a tool call that is none")
            self._calls.setdefault(index, Gathered()).add(fragment)

    def whole(self, *, cut: bool) -> list[dict[str, Any]]:
        """Return the calls; of an answer that was ``cut`` without those that it ends within.

        Raises:
            RunnerLost: what a call passes on is no JSON object.

        """
        found = [self._calls[index].whole() for index in sorted(self._calls)]
        told = []
        for place, call in enumerate(found):
            function = call.get("function")
            arguments = _arguments(function) if isinstance(function, dict) else None
            if isinstance(function, dict) and arguments is not None:
                called = {"index": place, "name": function.get("name", ""), "arguments": arguments}
                told.append({"id": call.get("id", ""), "function": called})
            elif not cut:
                raise RunnerLost("the engine's stream holds a tool call without its arguments")
        return told


def _arguments(function: dict[str, Any]) -> dict[str, Any] | None:
    try:
        arguments = orjson.loads(function.get("arguments") or "{}")
    except orjson.JSONDecodeError:
        return None
    return arguments if isinstance(arguments, dict) else None
