"""One JSON object of an answer, as Go writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def line(fields: Mapping[str, Any]) -> bytes:
    """Return an object with its line end; HTML's letters are escaped, as Go's encoder does."""
    return escaped(orjson.dumps(fields)) + b"\n"


def escaped(written: bytes) -> bytes:
    """Return JSON with HTML's letters escaped; outside of strings it has none of them."""
    if b"<" in written:
        written = written.replace(b"<", b"\\u003c")
    if b">" in written:
        written = written.replace(b">", b"\\u003e")
    return written.replace(b"&", b"\\u0026") if b"&" in written else written
