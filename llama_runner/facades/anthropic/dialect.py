"""Anthropic's words for what is not the engine's own answer."""

from __future__ import annotations

import orjson
from attrs import frozen

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.anthropic.errors import to_anthropic
from llama_runner.facades.openai.dialect import OpenAIDialect
from llama_runner.facades.openai.named_event import named_event
from llama_runner.relay.dialect import ErrorAnswer


@frozen
class AnthropicDialect(OpenAIDialect):
    """The relay's Dialect for Anthropic's routes.

    Heartbeats are comments as OpenAI's: a ping may not come before the message has begun.
    """

    def error(self, error: LlamaRunnerError) -> ErrorAnswer:
        """Return the error as a whole answer."""
        worded = to_anthropic(error)
        return ErrorAnswer(worded.status, orjson.dumps(worded.fields()), worded.headers)

    def last_event(self, error: LlamaRunnerError) -> bytes:
        """Return the error as the stream's last event."""
        return named_event(to_anthropic(error).fields())
