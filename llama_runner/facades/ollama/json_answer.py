"""A JSON answer as Ollama sends it."""

from __future__ import annotations

from typing import Any

import orjson
from quart import Response

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"


def json_answer(fields: Any, status: int = 200) -> Response:
    """Return ``fields`` as an answer."""
    return Response(orjson.dumps(fields), status, content_type=JSON)
