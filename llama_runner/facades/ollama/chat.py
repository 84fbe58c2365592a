"""Requests to ``/api/chat``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from llama_runner.errors import BadRequest, EngineRefused
from llama_runner.facades.ollama.formats import chat_format
from llama_runner.facades.ollama.go_json import ListOf, Struct
from llama_runner.facades.ollama.messages import MESSAGE, TOOL, openai_messages, openai_tools
from llama_runner.facades.openai.part import chat_part
from llama_runner.facades.ollama.reply import OllamaReply, done_without_work
from llama_runner.facades.ollama.shortening import without_oldest
from llama_runner.facades.ollama.thinking import template_fields
from llama_runner.facades.ollama.wanted import COMMON_KINDS, Wanted, read_wanted
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Wish
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import Aside

CHAT_REQUEST = Struct(
    "ChatRequest", {**COMMON_KINDS, "messages": ListOf(MESSAGE), "tools": ListOf(TOOL)}
)


@frozen
class ChatStyle:
    """The objects of ``/api/chat``."""

    remembers = False

    def said(self, text: str, thinking: str, calls: list[Any]) -> Mapping[str, Any]:
        """Return the message, in which the role and a text always are."""
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = calls
        return {"message": message}

    def last(self, text: str) -> Mapping[str, Any]:
        """Return nothing more."""
        return {}


@frozen
class ChatAsked:
    """One request to ``/api/chat``."""

    _wanted: Wanted
    _messages: Sequence[Mapping[str, Any]]
    _tools: Sequence[Mapping[str, Any]]
    _aside: Aside

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._wanted.model

    @property
    def wish(self) -> Wish:
        """What is to be done; without messages there is nothing to answer."""
        return self._wanted.wish(asks=bool(self._messages))

    @property
    def _streams(self) -> bool:
        # The engine cannot stream log probabilities together with tools.
        told_whole = self._wanted.logprobs and self._tools
        return self._wanted.streams and self.wish is Wish.ANSWER and not told_whole

    def request_to(self, target: Target) -> RelayRequest:
        """Return what the engine is to do; raises BadRequest for what the model cannot."""
        wanted = self._wanted
        wanted.check(target, "chat", *(["tools"] if self._tools else []))
        fields = {
            "messages": [*self._before(target), *openai_messages(self._messages, self._aside)],
            **wanted.engine_options(target),
            **chat_format(wanted.schema()),
            **template_fields(wanted.think, target),
        }
        if self._tools:
            fields["tools"] = openai_tools(self._tools)
        if wanted.logprobs:
            fields |= {"logprobs": True, "top_logprobs": max(1, wanted.top_logprobs)}
        return wanted.request(Task.CHAT, fields, self._aside, streams=self._streams)

    def _before(self, target: Target) -> list[Mapping[str, Any]]:
        """Return what the model's manifest says before all conversations."""
        own = self._messages and self._messages[0].get("role") == "system"
        system = [] if own or not target.system else [{"role": "system", "content": target.system}]
        return [*system, *target.messages]

    def shortened(self, request: RelayRequest, error: EngineRefused) -> RelayRequest | None:
        """Return the request less its oldest messages, if it was too long and may be cut."""
        part = self._wanted.excess(error)
        return None if part is None else without_oldest(request, part)

    def reply(self, request: RelayRequest) -> OllamaReply:
        """Return what makes the answer."""
        return OllamaReply(ChatStyle(), chat_part, self._wanted, request)

    def without_work(self) -> bytes:
        """Return the answer of a request that only loads or unloads."""
        return done_without_work(self._wanted.shown_model, ChatStyle(), self.wish)


@frozen
class ChatTongue:
    """Reads requests to ``/api/chat``."""

    def read(self, body: Body, aside: Aside) -> ChatAsked:
        """Return what is asked; raises BadRequest in Ollama's words."""
        fields = CHAT_REQUEST.read(body)
        wanted = read_wanted(fields)
        if not wanted.model:
            raise BadRequest("model is required")
        return ChatAsked(wanted, fields.get("messages", []), fields.get("tools", []), aside)
