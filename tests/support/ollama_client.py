"""Ollama's own client, talking to a program that serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ollama

from tests.support.served_program import PATIENCE, ServedProgram


@contextmanager
def ollama_client(program: ServedProgram) -> Iterator[ollama.Client]:
    """Return a client that waits long."""
    client = ollama.Client(program.ollama, timeout=PATIENCE, trust_env=False)
    try:
        yield client
    finally:
        client.close()
