"""Requests that are written by hand, for the tests of the front."""

from __future__ import annotations

import orjson
import pytest

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from tests.support.program import CHAT

SMALL = AppConfig(
    limits=LimitsConfig(
        max_head_bytes=1000,
        max_body_bytes=2000,
        lookahead_bytes=3000,
        head_timeout=10,
        idle_timeout=75,
        min_body_rate=100,
    )
)
BODY = orjson.dumps(CHAT)
PATHS = {"relay": "/v1/chat/completions", "quart": "/v1/models", "unknown": "/nothing"}
SERVED = {"relay": 200, "quart": 200, "unknown": 200}  # LM Studio's 200 with an error in it

everywhere = pytest.mark.parametrize("kind", ["relay", "quart", "unknown"])


def post(kind: str, *lines: str, body: bytes = b"", start: str = "POST {} HTTP/1.1") -> bytes:
    """Return a request, its header lines as they are."""
    head = [start.format(PATHS[kind]), "Host: localhost", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def chunked(*pieces: bytes) -> bytes:
    """Return a chunked body."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
