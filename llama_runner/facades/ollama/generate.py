"""Requests to ``/api/generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from llama_runner.errors import BadRequest, EngineRefused
from llama_runner.facades.ollama.formats import chat_format, text_format
from llama_runner.facades.ollama.go_json import ListOf, Struct
from llama_runner.facades.ollama.go_template import fill_in
from llama_runner.facades.ollama.kept_context import context_of_messages, messages_of_context
from llama_runner.facades.ollama.messages import content_of
from llama_runner.facades.ollama.names import full_name
from llama_runner.facades.openai.part import PartReader, chat_part, completion_part, infill_part
from llama_runner.facades.ollama.reply import OllamaReply, done_without_work
from llama_runner.facades.ollama.shortening import without_beginning, without_oldest
from llama_runner.facades.ollama.thinking import template_fields
from llama_runner.facades.ollama.wanted import COMMON_KINDS, Wanted, read_wanted
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Wish
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import Aside, whole_text

GENERATE_REQUEST = Struct(
    "GenerateRequest",
    {
        **COMMON_KINDS,
        **{"prompt": "string", "suffix": "string", "system": "string", "template": "string"},
        **{"raw": "bool", "context": ListOf("number"), "images": ListOf("string")},
    },
)
_READERS: Mapping[Task, PartReader] = {
    Task.CHAT: chat_part,
    Task.COMPLETION: completion_part,
    Task.INFILL: infill_part,
}


@frozen
class GenerateStyle:
    """The objects of ``/api/generate``; the last has the conversation so far, if there is one."""

    _messages: Sequence[Mapping[str, Any]] = ()

    @property
    def remembers(self) -> bool:
        """Whether the last object needs all that was said."""
        return bool(self._messages)

    def said(self, text: str, thinking: str, calls: list[Any]) -> Mapping[str, Any]:
        """Return the text, which always is there."""
        fields: dict[str, Any] = {"response": text}
        if thinking:
            fields["thinking"] = thinking
        if calls:
            fields["tool_calls"] = calls
        return fields

    def last(self, text: str) -> Mapping[str, Any]:
        """Return the conversation with what the model said."""
        if not self._messages:
            return {}
        said = {"role": "assistant", "content": text}
        return {"context": context_of_messages((*self._messages, said))}


@frozen
class GenerateAsked:
    """One request to ``/api/generate``."""

    _wanted: Wanted
    _fields: Mapping[str, Any]
    _aside: Aside

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._wanted.model

    @property
    def wish(self) -> Wish:
        """What is to be done; without a prompt there is nothing to answer."""
        return self._wanted.wish(asks=bool(self._fields.get("prompt")))

    def request_to(self, target: Target) -> RelayRequest:
        """Return what the engine is to do; raises BadRequest for what the model cannot."""
        wanted = self._wanted
        if self._has("raw") and any(map(self._has, ("template", "system", "context"))):
            raise BadRequest("raw mode does not support template, system, or context")
        wanted.check(target, "generate")
        task = self._task
        fields = self._prompt_fields(task, target) | wanted.engine_options(target)
        if task is Task.CHAT:
            fields |= chat_format(wanted.schema())
            fields |= template_fields(wanted.think, target)
        else:
            fields |= text_format(wanted.schema())
        if wanted.logprobs:
            most = max(1, wanted.top_logprobs)
            chat = {"logprobs": True, "top_logprobs": most}
            fields |= chat if task is Task.CHAT else {"n_probs": most}
        streams = wanted.streams and self.wish is Wish.ANSWER
        return wanted.request(task, fields, self._aside, streams=streams)

    def shortened(self, request: RelayRequest, error: EngineRefused) -> RelayRequest | None:
        """Return the request with less of its prompt, if it was too long and may be cut.

        Raises:
            BadRequest: the model cannot fill in.

        """
        if request.task is Task.INFILL:
            if error.kind == "not_supported_error":
                raise BadRequest(f"{full_name(self.model)} does not support insert") from error
            return None
        part = self._wanted.excess(error)
        if part is None:
            return None
        shorten = without_oldest if request.task is Task.CHAT else without_beginning
        return shorten(request, part)

    def reply(self, request: RelayRequest) -> OllamaReply:
        """Return what makes the answer."""
        return OllamaReply(self._style(request), _READERS[request.task], self._wanted, request)

    def without_work(self) -> bytes:
        """Return the answer of a request that only loads or unloads."""
        return done_without_work(self._wanted.shown_model, GenerateStyle(), self.wish)

    @property
    def _task(self) -> Task:
        if self._has("suffix"):
            return Task.INFILL
        return Task.COMPLETION if self._has("raw") or self._has("template") else Task.CHAT

    def _has(self, name: str) -> bool:
        return bool(self._fields.get(name))

    def _prompt_fields(self, task: Task, target: Target) -> dict[str, Any]:
        prompt, images = self._fields.get("prompt", ""), self._fields.get("images", [])
        if task is Task.CHAT:
            content = content_of(prompt, images, self._aside)
            return {
                "messages": [*self._messages_before(target), {"role": "user", "content": content}]
            }
        for name in ("images", "context"):
            if self._has(name):
                message = f"{name}: not supported together with suffix, raw or template"
                raise BadRequest(message)
        if task is Task.INFILL:
            return {"input_prefix": prompt, "input_suffix": self._fields["suffix"]}
        if self._has("template"):
            system = self._fields.get("system") or target.system
            prompt = fill_in(self._fields["template"], system=system, prompt=prompt)
        return {"prompt": prompt}

    def _messages_before(self, target: Target) -> list[Mapping[str, Any]]:
        before: list[Mapping[str, Any]] = [*messages_of_context(self._fields.get("context", []))]
        system = self._fields.get("system")
        if not before:
            # Later turns have them in what the client sends back.
            before, system = [*target.messages], system or target.system
        if not system:
            return before
        rest = [message for message in before if message["role"] != "system"]
        return [{"role": "system", "content": system}, *rest]

    def _style(self, request: RelayRequest) -> GenerateStyle:
        if request.task is not Task.CHAT:
            return GenerateStyle()
        # What a model saw is not kept: a context is a text.
        said = {"role": "user", "content": whole_text(self._fields["prompt"], self._aside)}
        before = request.fields["messages"][:-1]
        return GenerateStyle([*before, said])


@frozen
class GenerateTongue:
    """Reads requests to ``/api/generate``."""

    def read(self, body: Body, aside: Aside) -> GenerateAsked:
        """Return what is asked; raises BadRequest in Ollama's words."""
        fields = GENERATE_REQUEST.read(body)
        wanted = read_wanted(fields)
        if not wanted.model:
            raise BadRequest("model '' not found", status=404)
        return GenerateAsked(wanted, fields, aside)
