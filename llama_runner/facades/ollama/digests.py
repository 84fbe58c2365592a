"""What stands for a model's content, without reading gigabytes.

Ollama's digest is the sha256 of a model's manifest; a model of its store has that one. Its
clients compare it and cut it, to see whether a model has changed; none can check it. Ours is
the sha256 of where the files lie below the models folder, how large they are and when they
were changed: it costs nothing at a listing, is the same after a restart, and is another when
a file is replaced.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

import orjson

from llama_runner.catalog.card import ModelCard


def digest_of(card: ModelCard) -> str:
    """Return 64 hexadecimal digits, without a prefix."""
    if card.origin.digest is not None:
        return card.origin.digest
    names = tuple(_text(path.name) for path in card.shards)
    return _digest((*map(_text, card.folders), *names), card.size, card.modified_ns)


@lru_cache(maxsize=1024)
def _digest(place: tuple[str, ...], size: int, modified_ns: int) -> str:
    return sha256(orjson.dumps([place, size, modified_ns])).hexdigest()


def _text(name: str) -> str:
    # A file name need not be valid text.
    return name.encode(errors="backslashreplace").decode()
