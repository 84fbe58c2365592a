"""Our errors as the dashboard's API words them."""

from __future__ import annotations

import orjson


def refusal(status: int, message: str, code: str | None) -> bytes:
    """Return the body for a request that was turned away before it was understood."""
    return orjson.dumps({"error": message, "code": code, "status": status})
