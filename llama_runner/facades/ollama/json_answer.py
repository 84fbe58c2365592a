"""A JSON answer as Ollama sends it."""

from __future__ import annotations

from typing import Any

from quart import Response

from llama_runner.facades.quart_app import json_response

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"


def json_answer(fields: Any, status: int = 200) -> Response:
    """Return ``fields`` as an answer."""
    return json_response(fields, status, JSON)
