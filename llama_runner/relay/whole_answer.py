"""What an answer of the engine's must have that is handed on as it came (sans I/O)."""

from __future__ import annotations

import re

from llama_runner.relay.relay_request import Task

_EDGE = 64
_AN_EMBEDDING = re.compile(rb'"data"\s*:\s*\[\s*[^\s\]]')
_A_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*[^\s\]]')


def is_answer(task: Task, body: bytes) -> bool:
    """Tell whether ``body`` is a JSON object, as far as its ends show, and holds an answer."""
    # Read whole it would be for nothing but this, and embeddings have many numbers.
    if not (body[:_EDGE].lstrip().startswith(b"{") and body[-_EDGE:].rstrip().endswith(b"}")):
        return False
    wanted = _A_CHOICE if task.generates else _AN_EMBEDDING
    return wanted.search(body) is not None
