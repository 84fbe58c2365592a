"""What LM Studio's port answers to a request that was turned away before it was understood."""

from __future__ import annotations

from llama_runner.facades.anthropic.errors import PATH
from llama_runner.facades.anthropic.errors import refusal as anthropic_refusal
from llama_runner.facades.openai.errors import refusal as openai_refusal


def refusal(status: int, message: str, code: str | None, path: str) -> bytes:
    """Return the body, in the words of the API that the path is of."""
    if path == PATH:
        return anthropic_refusal(status, message)
    return openai_refusal(status, message, code, path)
