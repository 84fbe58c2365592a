"""Digests as Ollama writes them: ``sha256:HEX``, and ``sha256-HEX`` where a file is called so."""

from __future__ import annotations

import re

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")


def sha256_in(text: str) -> str | None:
    """Return the hexadecimal digits of a digest, None if it is none."""
    found = _DIGEST.fullmatch(text)
    return None if found is None else found[1]
