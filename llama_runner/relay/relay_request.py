"""A client's OpenAI-style request, read once: what it asks for and what goes upstream."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import orjson
from attrs import frozen

from llama_runner.errors import BadRequest
from llama_runner.relay.conversations import (
    conversation_of_chat,
    conversation_of_response,
    conversation_of_text,
)
from llama_runner.relay.media import refuse_remote_media
from llama_runner.relay.schemas import SCHEMA_FIELDS, refuse_unbearable_schemas
from llama_runner.scheduling.conversation import Conversation
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import Aside


class Task(Enum):
    """What a route does, with the engine's path for it."""

    CHAT = "/v1/chat/completions"
    COMPLETION = "/v1/completions"
    RESPONSES = "/v1/responses"
    INFILL = "/infill"
    EMBEDDING = "/v1/embeddings"
    RERANK = "/v1/rerank"

    @property
    def generates(self) -> bool:
        """Whether its answer is made token by token, and so can be streamed."""
        return self in (Task.CHAT, Task.COMPLETION, Task.RESPONSES, Task.INFILL)

    @property
    def is_route(self) -> bool:
        """Whether the engine's path is one of OpenAI's, and so one of ours."""
        return self is not Task.INFILL


LONGEST_STAY = 31_536_000
"""Seconds; a year."""

_POSITIVE = "a positive integer"
NOTHING_ASIDE: Aside = {}
NO_TERMS: Mapping[str, Any] = {}


@frozen
class RelayRequest:
    """One request as the client meant it; ``fields`` is its body.

    Of long strings the body has the beginning only, the rest is set ``aside``.
    ``choices`` is how many answers it asks for at once, ``wants_progress``
    whether it asked for the engine's own progress events.
    """

    task: Task
    model: str
    fields: Mapping[str, Any]
    streams: bool
    choices: int
    wants_progress: bool
    aside: Aside = NOTHING_ASIDE
    keep_alive: float | None = None
    """For how many idle seconds its model is to stay loaded afterwards, if it says so."""
    context: int | None = None
    """How many tokens it wants its model to hold for it, prompt and answer, if it says so."""

    @property
    def goes_up_as_stream(self) -> bool:
        """Whether the engine is asked for a stream, which the client may get joined.

        Vectors and ranks cannot be streamed, nothing here joins OpenAI's Responses, and the
        engine refuses log probabilities together with tools in a stream, though not in a whole
        answer. Such a request goes up as it came, and a client that leaves is noticed late.
        """
        if self.streams or not self.task.generates or self.task is Task.RESPONSES:
            return self.streams
        return not (self.fields.get("logprobs") and self.fields.get("tools"))

    def conversation(self) -> Conversation | None:
        """Return what its conversation is recognised by."""
        if self.task is Task.CHAT:
            return conversation_of_chat(self.fields)
        if self.task is Task.COMPLETION:
            return conversation_of_text(self.fields.get("prompt"))
        if self.task is Task.RESPONSES:
            return conversation_of_response(self.fields)
        if self.task is Task.INFILL:
            return conversation_of_text(self.fields.get("input_prefix"))
        return None

    def upstream_body(
        self, model: str, defaults: Mapping[str, Any], terms: Mapping[str, Any] = NO_TERMS
    ) -> bytes:
        """Return the body for the engine; ``defaults`` fill what the client left out.

        The ``terms`` of its lease have the last word, where something is generated.

        What is set aside is still to be restored in it.
        What generates always goes up as a stream with progress events: only a
        request that produces something lets the engine notice that it was
        cancelled.

        Raises:
            BadRequest: more levels are nested in it than can be written, though they can be read.

        """
        body = {**defaults, **self.fields, "model": model}
        if self.keep_alive is not None:
            body.pop("ttl", None)  # it is for us
        if self.task.generates:
            body |= terms
        if self.goes_up_as_stream:
            body["stream"] = True
            body["return_progress"] = True
            if not self.streams:
                body["stream_options"] = {"include_usage": True}
        try:
            return orjson.dumps(body)
        except orjson.JSONEncodeError:
            message = "the body's lists and objects are nested too deeply"
            raise BadRequest(message, code="invalid_json") from None


def read_relay_request(task: Task, body: Body, aside: Aside = NOTHING_ASIDE) -> RelayRequest:
    """Read and check what we must understand; the engine checks the rest.

    Raises:
        BadRequest: naming the field and what was expected.

    """
    fields = _object(body)
    model = _typed(fields, "model", str, "a string", default="")
    if not model and "model" in fields:
        raise _wrong("model", "the name of a model", fields["model"])
    streams = _typed(fields, "stream", bool, "true or false", default=False)
    if streams and not task.generates:
        raise BadRequest(f"{task.value} cannot be streamed", param="stream")
    refuse_unbearable_schemas({name: fields.get(name) for name in SCHEMA_FIELDS})
    return RelayRequest(
        task,
        model,
        fields,
        streams,
        _choices(task, fields),
        _typed(fields, "return_progress", bool, "true or false", default=False),
        aside,
        _keep_alive(fields),
    )


def _object(body: Body) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise BadRequest(f"expected a JSON object, got {_named(fields)}", code="invalid_json")
    return fields


def _choices(task: Task, fields: Mapping[str, Any]) -> int:
    count: int = _typed(fields, "n", int, _POSITIVE, default=1)
    if count < 1:
        raise _wrong("n", _POSITIVE, count)
    if task is Task.CHAT:
        messages = fields.get("messages")
        if not isinstance(messages, list):
            raise _missing_or_wrong(fields, "messages", "a list of messages")
        refuse_remote_media(messages)
    elif task is Task.COMPLETION:
        prompt = fields.get("prompt")
        if prompt is None:
            raise _missing_or_wrong(fields, "prompt", "a string or a list")
        if isinstance(prompt, list) and not all(isinstance(part, int) for part in prompt):
            count *= len(prompt)
    elif task is Task.RERANK:
        _refuse_unranked(fields)
    elif task is Task.RESPONSES:
        _refuse_unanswerable(fields)
    elif fields.get("input") is None:
        raise _missing_or_wrong(fields, "input", "a string or a list")
    return count


def _refuse_unanswerable(fields: Mapping[str, Any]) -> None:
    asked = fields.get("input")
    if not isinstance(asked, str | list):
        raise _missing_or_wrong(fields, "input", "a string or a list")
    if fields.get("previous_response_id") is not None:
        message = "'previous_response_id': nothing is kept here; expected the whole talk as 'input'"
        raise BadRequest(message, param="previous_response_id", code="not_supported")
    if isinstance(asked, list):
        refuse_remote_media(asked, "input")


def _refuse_unranked(fields: Mapping[str, Any]) -> None:
    if fields.get("query") is None:
        raise _missing_or_wrong(fields, "query", "a string")
    # Under "texts" the engine takes them as Hugging Face's server does, and answers like it.
    texts = "documents" if fields.get("texts") is None else "texts"
    if not isinstance(fields.get(texts), list):
        raise _missing_or_wrong(fields, texts, "a list of strings")
    # The engine fails on a negative one, and answers nothing to 0.
    if _typed(fields, "top_n", int, _POSITIVE, default=1) < 1:
        raise _wrong("top_n", _POSITIVE, fields["top_n"])


def _keep_alive(fields: Mapping[str, Any]) -> float | None:
    """Return LM Studio's ``ttl``."""
    seconds = fields.get("ttl")
    if seconds is None:
        return None
    if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_STAY:
        raise _wrong("ttl", f"seconds from 0 to {LONGEST_STAY}", seconds)
    return float(seconds)


def _typed(fields: Mapping[str, Any], name: str, wanted: type, what: str, *, default: Any) -> Any:
    value = fields.get(name)
    if value is None:
        return default
    if type(value) is not wanted:
        raise _wrong(name, what, value)
    return value


def _missing_or_wrong(fields: Mapping[str, Any], name: str, what: str) -> BadRequest:
    if fields.get(name) is None:
        message = f"'{name}' is missing; expected {what}"
        return BadRequest(message, param=name, code="missing_required_parameter")
    return _wrong(name, what, fields[name])


def _wrong(name: str, what: str, value: Any) -> BadRequest:
    message = f"'{name}': expected {what}, got {_named(value)}"
    return BadRequest(message, param=name, code="invalid_type")


def _named(value: Any) -> str:
    """Name a JSON value shortly, for people."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    shown = orjson.dumps(value).decode()
    return shown if len(shown) <= 40 else f"{shown[:40]}…"
