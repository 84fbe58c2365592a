"""Our errors in Anthropic's shape: ``{"type": "error", "error": {"type", "message"}}``.

Types and status codes are those of https://docs.anthropic.com/en/api/errors, of which its
clients make typed exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import orjson
from attrs import frozen

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.openai.errors import Headers, to_openai

PATH = "/v1/messages"
_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


@frozen
class AnthropicError:
    """One error as Anthropic words it."""

    status: int
    message: str
    headers: Headers = ()

    @property
    def type(self) -> str:
        """What kind of error it is, by its status."""
        usual = "api_error" if self.status >= 500 else "invalid_request_error"
        return _TYPES.get(self.status, usual)

    def fields(self) -> dict[str, Any]:
        """Return the JSON object that goes to the client."""
        return {
            "type": "error",
            "error": {"type": self.type, "message": self.message},
            "request_id": f"req_{token_hex(12)}",
        }


def to_anthropic(error: LlamaRunnerError) -> AnthropicError:
    """Word one of our errors as Anthropic would."""
    worded = to_openai(error)
    return AnthropicError(worded.status, worded.message, worded.headers)


def refusal(status: int, message: str) -> bytes:
    """Return the body for a request that was turned away before it was understood."""
    return orjson.dumps(AnthropicError(status, message).fields())
