"""Names for the files of one model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath


def told_apart(names: Iterable[str]) -> list[str]:
    """Return the names, of which no two are the same on any system: others are numbered."""
    used: set[str] = set()
    apart: list[str] = []
    for given in names:
        name, number, path = given, 1, PurePath(given)
        while name.lower() in used:
            number += 1
            name = f"{path.stem}-{number}{path.suffix}"
        used.add(name.lower())
        apart.append(name)
    return apart
