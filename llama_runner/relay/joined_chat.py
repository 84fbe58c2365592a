"""One whole chat answer from the events of a streamed one."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from llama_runner.relay.gathered_calls import GatheredCalls
from llama_runner.relay.joined import Joined
from llama_runner.wire.sse import ServerSentEvent


@define(eq=False)
class ChatJoiner:
    """Makes the answer that ``/v1/chat/completions`` would have given without ``stream``."""

    _joined: Joined = field(factory=Joined, init=False)
    _calls: dict[int, GatheredCalls] = field(factory=dict, init=False)

    def feed(self, event: ServerSentEvent) -> None:
        """Take the next event.

        Raises:
            EngineRefused: the event is the engine's error.
            RunnerLost: the event is nothing that the engine should say.
        """
        for index, choice in self._joined.feed(event):
            delta = choice.get("delta")
            if isinstance(delta, dict) and (calls := delta.pop("tool_calls", None)):
                self._calls.setdefault(index, GatheredCalls()).add(calls)
            self._joined.choice(index).add(choice)

    def result(self) -> dict[str, Any]:
        """Return the answer, once all events were fed.

        Raises:
            RunnerLost: the stream was broken off.
        """
        choices, about = self._joined.whole()
        if "object" in about:
            about["object"] = "chat.completion"
        return {"choices": [self._choice(*choice) for choice in choices], **about}

    def _choice(self, index: int, gathered: dict[str, Any]) -> dict[str, Any]:
        delta = gathered.pop("delta", None)
        logprobs = gathered.pop("logprobs", None)
        return {
            "finish_reason": gathered.pop("finish_reason"),
            "index": index,
            "message": self._message(index, delta if isinstance(delta, dict) else {}),
            **({} if logprobs is None else {"logprobs": logprobs}),
            **gathered,
        }

    def _message(self, index: int, delta: dict[str, Any]) -> dict[str, Any]:
        message = {
            "role": delta.pop("role", None) or "assistant",
            "content": delta.pop("content", None) or "",
            **delta,
        }
        if calls := self._calls.get(index):
            message["tool_calls"] = [_call(call) for call in calls.whole()]
        return message


def _call(gathered: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": gathered.pop("type", "function"),
        "function": gathered.pop("function", {}),
        **gathered,
    }
