"""How the two routes that embed word what fails."""

from __future__ import annotations

from llama_runner.catalog.catalog import AmbiguousName
from llama_runner.errors import BadRequest, EngineRefused, LlamaRunnerError, UnknownModel
from llama_runner.facades.ollama.errors import OllamaError, to_ollama
from llama_runner.facades.openai.errors import is_too_long

TOO_LONG = "the input length exceeds the context length"


def embed_error(error: LlamaRunnerError) -> OllamaError:
    """Word an error of ``/api/embed``."""
    if isinstance(error, UnknownModel) and not isinstance(error, AmbiguousName):
        return OllamaError(404, f'model "{error.name}" not found, try pulling it first')
    if isinstance(error, BadRequest) and error.code == "not_supported":
        return OllamaError(501, str(error))  # what the engine would say if it were loaded
    if isinstance(error, EngineRefused) and is_too_long(error):
        return OllamaError(400, TOO_LONG)
    return to_ollama(error)


def embeddings_error(error: LlamaRunnerError) -> OllamaError:
    """Word an error of ``/api/embeddings``, the older route: the engine's are all 500."""
    if isinstance(error, EngineRefused):
        return OllamaError(500, str(error))
    worded = embed_error(error)
    return OllamaError(500, worded.message) if worded.status == 501 else worded
