"""Requests to ``/v1/messages``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from attrs import frozen

from llama_runner.errors import BadRequest, EngineRefused
from llama_runner.facades.anthropic.messages import openai_messages, tool_fields
from llama_runner.facades.anthropic.reply import AnthropicReply
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.schemas import refuse_unbearable_schemas
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Wish
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import Aside

_NUMBERS = ("temperature", "top_p", "top_k")


@frozen
class MessagesAsked:
    """One request to ``/v1/messages``."""

    model: str
    _fields: Mapping[str, Any]
    _aside: Aside
    wish: Wish = Wish.ANSWER

    def request_to(self, target: Target) -> RelayRequest:
        """Return what the engine is to do; raises BadRequest for what the model cannot."""
        target.refuse_unless_it_does(Task.CHAT)
        asked = self._fields
        tools = tool_fields(asked.get("tools"), asked.get("tool_choice"))
        refuse_unbearable_schemas(tools)
        fields: dict[str, Any] = {
            "messages": openai_messages(asked.get("system"), asked["messages"], self._aside),
            "max_tokens": asked["max_tokens"],
            **{name: asked[name] for name in _NUMBERS if asked.get(name) is not None},
            **tools,
            **_template_fields(asked, target),
        }
        if asked.get("stop_sequences"):
            fields["stop"] = asked["stop_sequences"]
        return RelayRequest(
            Task.CHAT,
            self.model,
            fields,
            asked.get("stream") is True,
            choices=1,
            wants_progress=False,
            aside=self._aside,
        )

    def shortened(self, request: RelayRequest, error: EngineRefused) -> RelayRequest | None:
        """Return nothing: clients of this API shorten their talks themselves."""
        return None

    def reply(self, request: RelayRequest) -> AnthropicReply:
        """Return what makes the answer."""
        return AnthropicReply(self.model, request.streams)

    def without_work(self) -> bytes:
        """Return nothing: every request asks for an answer."""
        return b""


@frozen
class MessagesTongue:
    """Reads requests to ``/v1/messages``."""

    def read(self, body: Body, aside: Aside) -> MessagesAsked:
        """Return what is asked; raises BadRequest naming what is wrong."""
        try:
            fields = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not valid JSON: {error}") from None
        if not isinstance(fields, dict):
            raise BadRequest("the body: expected a JSON object")
        model = fields.get("model")
        if not isinstance(model, str) or not model:
            raise BadRequest("model is required", param="model")
        most = fields.get("max_tokens")
        if type(most) is not int or most <= 0:
            raise BadRequest("max_tokens is required and must be positive", param="max_tokens")
        messages = fields.get("messages")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("messages is required", param="messages")
        _check(fields)
        return MessagesAsked(model, fields, aside)


def _check(fields: Mapping[str, Any]) -> None:
    if not isinstance(fields.get("stream"), bool | None):
        raise BadRequest("stream: expected true or false", param="stream")
    for name in _NUMBERS:
        value = fields.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise BadRequest(f"{name}: expected a number", param=name)
    stop = fields.get("stop_sequences")
    if stop is not None and not (
        isinstance(stop, list) and all(isinstance(each, str) for each in stop)
    ):
        raise BadRequest("stop_sequences: expected a list of strings", param="stop_sequences")


def _template_fields(asked: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """Return what the template is told, the engine's own field for it included.

    That is also whether to think; a model that cannot does not, and is not refused.
    """
    told = asked.get("chat_template_kwargs")
    fields = {**told} if isinstance(told, dict) else {}
    thinking = asked.get("thinking")
    if isinstance(thinking, dict) and "thinking" in target.capabilities:
        fields.setdefault("enable_thinking", thinking.get("type") != "disabled")
    return {"chat_template_kwargs": {**target.template_fields, **fields}} if fields else {}
