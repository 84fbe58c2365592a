"""Requests for embeddings: Ollama's in, OpenAI's to the engine, and the answers back."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from typing import Any

import orjson
from attrs import frozen

from llama_runner.errors import BadRequest, RunnerLost
from llama_runner.facades.ollama.go_json import ANY, Struct
from llama_runner.facades.ollama.keep_alive import keep_alive_of
from llama_runner.facades.ollama.timestamps import NANOSECONDS
from llama_runner.facades.ollama.wanted_context import wanted_context
from llama_runner.relay.record import Durations
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.wire.body import Body

_COMMON = {"model": "string", "truncate": "bool", "options": "object", "keep_alive": ANY}
EMBED_REQUEST = Struct("EmbedRequest", {**_COMMON, "input": ANY, "dimensions": "number"})
EMBEDDINGS_REQUEST = Struct("EmbeddingRequest", {**_COMMON, "prompt": "string"})


@frozen
class EmbedAsked:
    """A request to ``/api/embed``: any number of inputs, cut to ``dimensions`` if that is not 0."""

    request: RelayRequest
    shown_model: str
    dimensions: int

    @property
    def only_loads(self) -> bool:
        """Whether there is nothing to embed."""
        return not self.request.fields["input"]

    def answer(self, body: bytes, took: Durations) -> bytes:
        """Return the answer, made of the engine's, which is empty if it only loads."""
        fields: dict[str, Any] = {"model": self.shown_model, "embeddings": []}
        if body:
            vectors, tokens = _read(body)
            fields["embeddings"] = [_cut(vector, self.dimensions) for vector in vectors]
            fields |= {
                "total_duration": _whole(took.total),
                "load_duration": _whole(took.granted),
                "prompt_eval_count": tokens,
            }
        return orjson.dumps(fields)


@frozen
class EmbeddingsAsked:
    """A request to ``/api/embeddings``: one text."""

    request: RelayRequest

    @property
    def only_loads(self) -> bool:
        """Whether there is nothing to embed."""
        return not self.request.fields["input"]

    def answer(self, body: bytes, took: Durations) -> bytes:
        """Return the answer, made of the engine's, which is empty if it only loads."""
        return orjson.dumps({"embedding": _read(body)[0][0] if body else []})


@frozen
class EmbedTongue:
    """Reads requests to ``/api/embed``."""

    def read(self, body: Body) -> EmbedAsked:
        """Return what is asked; raises BadRequest in Ollama's words."""
        fields = EMBED_REQUEST.read(body)
        keep_alive = keep_alive_of(fields.get("keep_alive"))
        texts = _texts(fields.get("input"))
        model = fields.get("model", "").strip()
        if not model:
            raise BadRequest("model '' not found", status=404)
        request = _request(model, texts, keep_alive, _context(fields))
        return EmbedAsked(request, fields["model"], fields.get("dimensions", 0))


@frozen
class EmbeddingsTongue:
    """Reads requests to ``/api/embeddings``."""

    def read(self, body: Body) -> EmbeddingsAsked:
        """Return what is asked; raises BadRequest in Ollama's words."""
        fields = EMBEDDINGS_REQUEST.read(body)
        keep_alive = keep_alive_of(fields.get("keep_alive"))
        model, prompt = fields.get("model", "").strip(), fields.get("prompt", "")
        if not model:
            raise BadRequest("model is required")
        texts = [prompt] if prompt else []
        return EmbeddingsAsked(_request(model, texts, keep_alive, _context(fields)))


def _context(fields: Mapping[str, Any]) -> int | None:
    return wanted_context(fields.get("options", {}))


def _request(
    model: str, texts: list[str], keep_alive: float | None, context: int | None
) -> RelayRequest:
    fields: dict[str, Any] = {"model": model, "input": texts, "encoding_format": "float"}
    return RelayRequest(
        Task.EMBEDDING,
        model,
        fields,
        streams=False,
        choices=1,
        wants_progress=False,
        keep_alive=keep_alive,
        context=context,
    )


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise BadRequest("invalid input type")
    return texts


def _read(body: bytes) -> tuple[list[list[float]], int]:
    """Return the vectors in the order of their texts, and the tokens of all texts."""
    try:
        answer = orjson.loads(body)
        vectors = sorted(answer["data"], key=lambda one: int(one["index"]))
        return [one["embedding"] for one in vectors], int(answer["usage"]["prompt_tokens"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RunnerLost("the engine's answer is none") from error


def _cut(vector: list[float], dimensions: int) -> list[float]:
    """Return the first ``dimensions`` numbers, of length 1 again; all if that changes nothing."""
    if not 0 < dimensions < len(vector):
        return vector
    kept = vector[:dimensions]
    length = hypot(*kept)
    return [number / length for number in kept] if length else kept


def _whole(seconds: float | None) -> int:
    """Return whole nanoseconds, never 0: clients want to see that there was something."""
    return max(1, int((seconds or 0.0) * NANOSECONDS))
