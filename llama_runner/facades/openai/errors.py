"""Our errors in OpenAI's shape.

``{"error": {"message", "type", "param", "code"}}``, with the status codes that
OpenAI's own clients turn into their typed exceptions.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import orjson
from attrs import frozen

from llama_runner.errors import (
    AnswerTooLarge,
    BadRequest,
    CircuitOpen,
    EngineRefused,
    LlamaRunnerError,
    ModelTooLarge,
    NoRoom,
    OutOfMemory,
    PullFailed,
    QueueFull,
    RunnerLost,
    ShuttingDown,
    StartFailed,
    StoreFailed,
    UnknownModel,
)

Headers = tuple[tuple[bytes, bytes], ...]
TOO_LONG = "exceed_context_size_error"
"""What the engine calls a prompt that does not fit its context."""

# OpenAI's clients try again by themselves after a 5xx; these cannot get better by it.
_FINAL: Headers = ((b"x-should-retry", b"false"),)
# What OpenAI calls a refusal for asking too much at once.
_KINDS = {429: "requests"}
_LATER: Headers = ((b"retry-after", b"2"),)


@frozen
class OpenAIError:
    """One error as OpenAI words it."""

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    headers: Headers = ()

    def fields(self) -> dict[str, Any]:
        """Return the JSON object that goes to the client."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


def to_openai(error: LlamaRunnerError) -> OpenAIError:
    """Word one of our errors as OpenAI would."""
    message = str(error)
    match error:
        case UnknownModel():
            return OpenAIError(404, message, param="model", code="model_not_found")
        case BadRequest():
            return OpenAIError(error.status, message, param=error.param, code=error.code)
        case EngineRefused():
            return _refused(error)
        case ModelTooLarge():
            return OpenAIError(400, message, param="model", code="model_too_large")
        case QueueFull():
            later = _later(error.retry_after)
            return OpenAIError(503, message, "server_error", code="queue_full", headers=later)
        case NoRoom():
            later = _later(error.retry_after)
            return OpenAIError(503, message, "server_error", code="no_room", headers=later)
        case ShuttingDown():
            return OpenAIError(503, message, "server_error", code="shutting_down", headers=_LATER)
        case AnswerTooLarge():
            code = "answer_too_large"
            return OpenAIError(500, message, "server_error", code=code, headers=_FINAL)
        case CircuitOpen():
            code, later = "model_load_failed", _later(error.retry_after)
            return OpenAIError(503, message, "server_error", "model", code, later)
        case OutOfMemory():
            code = "insufficient_memory"
            return OpenAIError(500, message, "server_error", "model", code, _FINAL)
        case StartFailed():
            code = "model_load_failed"
            return OpenAIError(500, message, "server_error", "model", code, _FINAL)
        case PullFailed():
            return OpenAIError(502, message, "server_error", code="pull_failed", headers=_FINAL)
        case StoreFailed():
            return OpenAIError(500, message, "server_error", code="store_failed", headers=_FINAL)
        case RunnerLost():
            return OpenAIError(502, message, "server_error", code="model_stopped")
        case _:
            return OpenAIError(500, message, "server_error", code="internal_error")


def refusal(status: int, message: str, code: str | None, _path: str) -> bytes:
    """Return the body for a request that was turned away before it was understood."""
    kind = "server_error" if status >= 500 else _KINDS.get(status, "invalid_request_error")
    return orjson.dumps(OpenAIError(status, message, kind, code=code).fields())


def _later(seconds: float | None) -> Headers:
    """Return when to ask again, in whole seconds (RFC 9110, 10.2.3)."""
    return _LATER if seconds is None else ((b"retry-after", b"%d" % max(1, ceil(seconds))),)


def is_too_long(error: EngineRefused) -> bool:
    """Tell whether the engine refused a prompt, or an input to embed or rank, for its length."""
    # The second is what it says, with 500, of an input that does not fit one batch.
    return error.kind == TOO_LONG or "too large to process" in str(error)


def _refused(error: EngineRefused) -> OpenAIError:
    if is_too_long(error):
        return OpenAIError(400, _too_long(error), code="context_length_exceeded")
    if error.status in (400, 404, 413, 422):
        return OpenAIError(error.status, str(error), code=error.kind or None)
    if error.status == 501 or _lacks_a_sense(error):
        message = f"the model does not do this: {error}"
        return OpenAIError(400, message, param="model", code="not_supported")
    return OpenAIError(500, str(error), "server_error", code=error.kind or None, headers=_FINAL)


def _lacks_a_sense(error: EngineRefused) -> bool:
    """Tell whether it got an image or a sound for a model that has no projector."""
    # The engine blames itself: it says 500, and no other status or type tells it apart.
    return str(error).startswith(("image input is not supported", "audio input is not supported"))


def _too_long(error: EngineRefused) -> str:
    asked, room = error.details.get("n_prompt_tokens"), error.details.get("n_ctx")
    if asked is None or room is None:
        return str(error)
    return f"the prompt has {asked} tokens and the model's context holds {room}"
