"""Server-sent events that are named by the type of their object, as Anthropic's are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def named_event(fields: Mapping[str, Any]) -> bytes:
    """Return an object as its event."""
    return b"event: %b\ndata: %b\n\n" % (fields["type"].encode(), orjson.dumps(fields))
