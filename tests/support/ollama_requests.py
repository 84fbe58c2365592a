"""Requests over Ollama's port, and their answers."""

from __future__ import annotations

import json
from typing import Any

from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.program import Program

HELLO = [{"role": "user", "content": "Hi"}]
CHAT = {"model": "a:latest", "messages": HELLO}
GENERATE = {"model": "a", "prompt": "Hi"}


async def send(program: Program, path: str, body: Any) -> Reply:
    """Post a body on a new connection; return its answer."""
    return await ask(program.client(), request_bytes("POST", path, body))


def objects(reply: Reply) -> list[dict[str, Any]]:
    """Return the objects of an answer, one a line."""
    return [json.loads(line) for line in reply.body.splitlines()]
