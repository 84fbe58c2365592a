"""Reads the headers that ``/api/show`` shows, in a thread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import trio

from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.gguf import GGUFError, Value
from llama_runner.catalog.header_file import read_header_file
from llama_runner.facades.ollama.showing import Headers


async def headers_of(card: ModelCard) -> Headers:
    """Return what a model's files say of it; nothing of one that cannot be read."""
    return await trio.to_thread.run_sync(_read, card)


def _read(card: ModelCard) -> Headers:
    return Headers(_metadata(card.path), _metadata(card.mmproj) if card.mmproj else None)


def _metadata(path: Path) -> Mapping[str, Value]:
    try:
        return read_header_file(path, path.stat().st_size).metadata
    except (OSError, GGUFError):
        return {}  # the card says what is needed most
