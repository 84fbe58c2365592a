"""How the routes that generate word what fails."""

from __future__ import annotations

from llama_runner.catalog.catalog import AmbiguousName
from llama_runner.errors import LlamaRunnerError, UnknownModel
from llama_runner.facades.ollama.errors import OllamaError, to_ollama
from llama_runner.facades.ollama.names import is_valid


def chat_error(error: LlamaRunnerError) -> OllamaError:
    """Word an error of ``/api/chat`` or ``/api/generate``."""
    if isinstance(error, UnknownModel) and not isinstance(error, AmbiguousName):
        if not is_valid(error.name):
            return OllamaError(400, "invalid model name")
    return to_ollama(error)
