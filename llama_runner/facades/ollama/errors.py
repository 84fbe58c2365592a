"""Our errors as Ollama words them: ``{"error": "text"}`` and a status."""

from __future__ import annotations

import orjson
from attrs import frozen

from llama_runner.catalog.catalog import AmbiguousName
from llama_runner.errors import (
    BadRequest,
    CapacityError,
    CircuitOpen,
    EngineRefused,
    LlamaRunnerError,
    ModelTooLarge,
    QueueFull,
    ShuttingDown,
    UnknownModel,
)
from llama_runner.facades.anthropic.errors import PATH as MESSAGES_PATH
from llama_runner.facades.anthropic.errors import refusal as anthropic_refusal
from llama_runner.facades.openai.errors import refusal as openai_refusal
from llama_runner.facades.openai.routes import RERANK_ALIASES

BUSY = "server busy, please try again.  maximum pending requests exceeded"
"""With two spaces, as Ollama has it; clients look for the text."""


@frozen
class OllamaError:
    """One error in Ollama's words."""

    status: int
    message: str

    @property
    def body(self) -> bytes:
        """The answer's JSON text."""
        return orjson.dumps({"error": self.message})


def to_ollama(error: LlamaRunnerError) -> OllamaError:
    """Word one of our errors as Ollama would, as far as it has a word for it."""
    match error:
        case AmbiguousName():
            return OllamaError(404, f"model '{error.name}' not found: {error}")
        case UnknownModel():
            return OllamaError(404, f"model '{error.name}' not found")
        case BadRequest() | EngineRefused():
            return OllamaError(error.status, str(error))
        case QueueFull():
            return OllamaError(503, BUSY)
        case ModelTooLarge():
            return OllamaError(500, str(error))
        case CapacityError() | CircuitOpen() | ShuttingDown():
            return OllamaError(503, str(error))
        case _:
            return OllamaError(500, str(error))


def refusal(status: int, message: str, code: str | None, path: str) -> bytes:
    """Return the body for a request that was turned away before it was understood.

    Ollama would send none with a 403; who is turned away is better told why.
    """
    if path == MESSAGES_PATH:
        return anthropic_refusal(status, message)
    if speaks_openai(path):
        return openai_refusal(status, message, code, path)
    return orjson.dumps({"error": message, "code": code})


def speaks_openai(path: str) -> bool:
    """Tell whether a path of this port is one of OpenAI's routes, or of llama-server's own."""
    return path.startswith("/v1/") or path in RERANK_ALIASES
