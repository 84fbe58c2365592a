"""What an answer of the engine's must have that is handed on as it came (sans I/O)."""

from __future__ import annotations

import re

from llama_runner.relay.relay_request import Task

_EDGE = 64
_AN_EMBEDDING = re.compile(rb'"data"\s*:\s*\[\s*[^\s\]]')
_A_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*[^\s\]]')
# Who asks in the way of Hugging Face's server gets a bare list.
_A_RANK = re.compile(rb'"results"\s*:\s*\[\s*[^\s\]]|^\s*\[\s*\{')
_AN_OUTPUT = re.compile(rb'"output"\s*:\s*\[')
_WANTED = {
    Task.RESPONSES: _AN_OUTPUT,
    Task.CHAT: _A_CHOICE,
    Task.COMPLETION: _A_CHOICE,
    Task.EMBEDDING: _AN_EMBEDDING,
    Task.RERANK: _A_RANK,
}


def is_answer(task: Task, body: bytes) -> bool:
    """Tell whether ``body`` is a JSON object, as far as its ends show, and holds an answer.

    Ranks may be a list.
    """
    # Read whole it would be for nothing but this, and embeddings have many numbers.
    ends = body[:_EDGE].lstrip()[:1] + body[-_EDGE:].rstrip()[-1:]
    if ends != b"{}" and not (task is Task.RERANK and ends == b"[]"):
        return False
    return _WANTED[task].search(body) is not None
