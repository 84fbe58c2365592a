"""Anthropic's server-sent events: each is named by the type of its object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def event(fields: Mapping[str, Any]) -> bytes:
    """Return an object as an event."""
    return b"event: %b\ndata: %b\n\n" % (fields["type"].encode(), orjson.dumps(fields))
