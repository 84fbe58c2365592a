"""How large a context a request wants its model to hold: Ollama's option ``num_ctx``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_runner.facades.ollama.options import read_options


def wanted_context(options: Mapping[str, Any]) -> int | None:
    """Return the tokens that ``options`` ask for, None if they ask for nothing.

    A number that is not above 0 asks for nothing, a fraction is cut (Ollama's
    ``api/types.go``, ``FromMap``).

    Raises:
        BadRequest: it is no number; 500, as with Ollama.

    """
    wanted: int = read_options({"num_ctx": options.get("num_ctx")}).get("num_ctx", 0)
    return wanted if wanted > 0 else None
