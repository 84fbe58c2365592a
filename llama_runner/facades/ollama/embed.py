"""Requests for embeddings: Ollama's in, OpenAI's to the engine, and the answers back."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot
from typing import Any

import orjson
from attrs import frozen

from llama_runner.errors import BadRequest, EngineRefused
from llama_runner.facades.ollama.go_json import ANY, Struct
from llama_runner.facades.ollama.keep_alive import keep_alive_of
from llama_runner.facades.ollama.shortening import with_shorter_texts
from llama_runner.facades.ollama.spent import nanoseconds
from llama_runner.facades.ollama.vectors_reply import VectorsReply
from llama_runner.facades.ollama.wanted_context import wanted_context
from llama_runner.relay.record import Durations
from llama_runner.relay.relay_request import RelayRequest, Task
from llama_runner.relay.target import Target
from llama_runner.relay.tongue import Wish
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import Aside

_COMMON = {"model": "string", "truncate": "bool", "options": "object", "keep_alive": ANY}
EMBED_REQUEST = Struct("EmbedRequest", {**_COMMON, "input": ANY, "dimensions": "number"})
EMBEDDINGS_REQUEST = Struct("EmbeddingRequest", {**_COMMON, "prompt": "string"})


@frozen
class EmbedAsked:
    """A request to ``/api/embed``: any number of inputs, cut to ``dimensions`` if that is not 0."""

    _request: RelayRequest
    _shown_model: str
    _dimensions: int
    _truncates: bool

    @property
    def model(self) -> str:
        """The name of the model."""
        return self._request.model

    @property
    def wish(self) -> Wish:
        """What is to be done; without a text there is nothing to embed."""
        return Wish.ANSWER if self._request.fields["input"] else Wish.LOAD

    def request_to(self, target: Target) -> RelayRequest:
        """Return what the engine is to do; raises BadRequest if the model does not embed."""
        target.refuse_unless_it_does(Task.EMBEDDING)
        return self._request

    def shortened(self, request: RelayRequest, error: EngineRefused) -> RelayRequest | None:
        """Return shorter texts, if one was too long and they may be cut."""
        return with_shorter_texts(request, error) if self._truncates else None

    def reply(self, request: RelayRequest) -> VectorsReply:
        """Return what makes the answer."""
        return VectorsReply(self._answer)

    def without_work(self) -> bytes:
        """Return the answer of a request that only loads."""
        return orjson.dumps({"model": self._shown_model, "embeddings": []})

    def _answer(self, vectors: list[list[float]], tokens: int, took: Durations) -> dict[str, Any]:
        return {
            "model": self._shown_model,
            "embeddings": [_cut(vector, self._dimensions) for vector in vectors],
            "total_duration": nanoseconds(took.total),
            "load_duration": nanoseconds(took.granted),
            "prompt_eval_count": tokens,
        }


@frozen
class EmbeddingsAsked(EmbedAsked):
    """A request to ``/api/embeddings``: one text."""

    def without_work(self) -> bytes:
        """Return the answer of a request that only loads."""
        return orjson.dumps({"embedding": []})

    def _answer(self, vectors: list[list[float]], tokens: int, took: Durations) -> dict[str, Any]:
        return {"embedding": vectors[0]}


@frozen
class EmbedTongue:
    """Reads requests to ``/api/embed``."""

    def read(self, body: Body, aside: Aside) -> EmbedAsked:
        """Return what is asked; raises BadRequest in Ollama's words."""
        fields = EMBED_REQUEST.read(body)
        keep_alive = keep_alive_of(fields.get("keep_alive"))
        texts = _texts(fields.get("input"))
        model = fields.get("model", "").strip()
        if not model:
            raise BadRequest("model '' not found", status=404)
        request = _request(model, texts, keep_alive, _context(fields), aside)
        dimensions, truncates = fields.get("dimensions", 0), fields.get("truncate", True)
        return EmbedAsked(request, fields["model"], dimensions, truncates)


@frozen
class EmbeddingsTongue:
    """Reads requests to ``/api/embeddings``."""

    def read(self, body: Body, aside: Aside) -> EmbeddingsAsked:
        """Return what is asked; raises BadRequest in Ollama's words."""
        fields = EMBEDDINGS_REQUEST.read(body)
        keep_alive = keep_alive_of(fields.get("keep_alive"))
        model, prompt = fields.get("model", "").strip(), fields.get("prompt", "")
        if not model:
            raise BadRequest("model is required")
        texts = [prompt] if prompt else []
        request = _request(model, texts, keep_alive, _context(fields), aside)
        return EmbeddingsAsked(request, fields["model"], 0, truncates=False)


def _context(fields: Mapping[str, Any]) -> int | None:
    return wanted_context(fields.get("options", {}))


def _request(
    model: str, texts: list[str], keep_alive: float | None, context: int | None, aside: Aside
) -> RelayRequest:
    fields: dict[str, Any] = {"model": model, "input": texts, "encoding_format": "float"}
    return RelayRequest(
        Task.EMBEDDING,
        model,
        fields,
        streams=False,
        choices=1,
        wants_progress=False,
        aside=aside,
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


def _cut(vector: list[float], dimensions: int) -> list[float]:
    """Return the first ``dimensions`` numbers, of length 1 again; all if that changes nothing."""
    if not 0 < dimensions < len(vector):
        return vector
    kept = vector[:dimensions]
    length = hypot(*kept)
    return [number / length for number in kept] if length else kept
