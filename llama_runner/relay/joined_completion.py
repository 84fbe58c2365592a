"""One whole text completion from the events of a streamed one."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from llama_runner.relay.joined import Joined
from llama_runner.wire.sse import ServerSentEvent


@define(eq=False)
class CompletionJoiner:
    """Makes the answer that ``/v1/completions`` would have given without ``stream``."""

    _joined: Joined = field(factory=Joined, init=False)

    def feed(self, event: ServerSentEvent) -> None:
        """Take the next event.

        Raises:
            EngineRefused: the event is the engine's error.
            RunnerLost: the event is nothing that the engine should say.
        """
        for index, choice in self._joined.feed(event):
            self._joined.choice(index).add(choice)

    def result(self) -> dict[str, Any]:
        """Return the answer, once all events were fed.

        Raises:
            RunnerLost: the stream was broken off.
        """
        choices, about = self._joined.whole()
        return {"choices": [_choice(*choice) for choice in choices], **about}


def _choice(index: int, gathered: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": gathered.pop("text", None) or "",
        "index": index,
        "logprobs": gathered.pop("logprobs", None),
        "finish_reason": gathered.pop("finish_reason"),
        **gathered,
    }
