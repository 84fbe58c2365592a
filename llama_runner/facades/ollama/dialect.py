"""Ollama's words for what is not the engine's own answer."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.ollama.errors import OllamaError, to_ollama
from llama_runner.relay.dialect import ErrorAnswer, Waiting
from llama_runner.relay.stream_kind import StreamKind

LINES = StreamKind("application/x-ndjson", quiet=60.0)
"""JSON objects, one a line."""


@frozen
class OllamaDialect:
    """The relay's Dialect for Ollama's routes, of which some ``word`` an error otherwise."""

    word: Callable[[LlamaRunnerError], OllamaError] = to_ollama
    stream: StreamKind = LINES

    def error(self, error: LlamaRunnerError) -> ErrorAnswer:
        """Return the error as a whole answer."""
        worded = self.word(error)
        return ErrorAnswer(worded.status, worded.body)

    def last_event(self, error: LlamaRunnerError) -> bytes:
        """Return the error as a stream's last line."""
        return self.word(error).body + b"\n"

    def heartbeat(self, waiting: Waiting) -> bytes:
        """Return the beginning of a line, blank as JSON may begin (RFC 8259, 2).

        A line of its own would mean something to every client.
        """
        return b" "
