"""The tool calls of one answer, gathered from their fragments."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.relay.gathered import Gathered


@define(eq=False)
class GatheredCalls:
    """Puts together the fragments that have the same index."""

    _calls: dict[int, Gathered] = field(factory=dict, init=False)

    def add(self, fragments: Any) -> None:
        """Take what came of the calls.

        Raises:
            RunnerLost: it is no part of a call.

        """
        for fragment in fragments if isinstance(fragments, list) else [fragments]:
            number = fragment.pop("index", len(self._calls)) if isinstance(fragment, dict) else None
            if type(number) is not int:
                raise RunnerLost("the engine's stream holds a tool call that is none")
            self._calls.setdefault(number, Gathered()).add(fragment)

    def whole(self) -> list[dict[str, Any]]:
        """Return the calls gathered so far, in the order of their indexes, which they are less."""
        return [self._calls[number].whole() for number in sorted(self._calls)]
