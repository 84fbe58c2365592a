"""How large a context a request wants its model to hold: Ollama's option ``num_ctx``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_runner.errors import BadRequest


def wanted_context(options: Mapping[str, Any]) -> int | None:
    """Return the tokens that ``options`` ask for, None if they ask for nothing.

    A number that is not above 0 asks for nothing, a fraction is cut (Ollama's
    ``api/types.go``, ``FromMap``).

    Raises:
        BadRequest: it is no number; 500, as with Ollama.

    """
    wanted = options.get("num_ctx")
    if wanted is None:
        return None
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        raise BadRequest('option "num_ctx" must be of type integer', param="num_ctx", status=500)
    return int(wanted) if wanted >= 1 else None
