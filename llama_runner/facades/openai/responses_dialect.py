"""OpenAI's words on its Responses route, whose streams end otherwise than others."""

from __future__ import annotations

from attrs import frozen

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.openai.dialect import OpenAIDialect
from llama_runner.facades.openai.errors import to_openai
from llama_runner.facades.openai.named_event import named_event


@frozen
class ResponsesDialect(OpenAIDialect):
    """The relay's Dialect for ``/v1/responses``."""

    def last_event(self, error: LlamaRunnerError) -> bytes:
        """Return the error as the stream's last event, which has a name; nothing follows it."""
        worded = to_openai(error)
        fields = {
            **{"type": "error", "code": worded.code, "message": worded.message},
            **{"param": worded.param, "sequence_number": 0},
        }
        return named_event(fields)
