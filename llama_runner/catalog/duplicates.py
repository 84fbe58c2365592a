"""Finds models that lie in two stores, so that each is listed once."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

from attrs import evolve

from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.origin import Origin

_SHA256 = re.compile(r"(?:sha256-)?([0-9a-f]{64})")


def without_duplicates(
    first: Sequence[ModelCard], more: Iterable[ModelCard]
) -> tuple[ModelCard, ...]:
    """Return all cards less those of ``more`` that are another name of one before.

    That one answers to both names. A card that says more than the files do
    (a system prompt, messages, adapters) or sees where the other does not
    is a model of its own.
    """
    kept = list(first)
    places: dict[Hashable, list[int]] = {}
    for index, card in enumerate(kept):
        for mark in _marks(card.path):
            places.setdefault(mark, []).append(index)
    for card in more:
        marks = _marks(card.path)
        same = sorted({index for mark in marks for index in places.get(mark, ())})
        twin = next((index for index in same if _is_same(kept[index], card)), None)
        if twin is not None:
            known = kept[twin]
            names = tuple(dict.fromkeys((*known.origin.names, *card.origin.names)))
            kept[twin] = evolve(known, origin=evolve(known.origin, names=names))
            continue
        for mark in marks:
            places.setdefault(mark, []).append(len(kept))
        kept.append(card)
    return tuple(sorted(kept, key=lambda card: card.path))


def _is_same(known: ModelCard, card: ModelCard) -> bool:
    if card.mmproj is not None and known.mmproj is None:
        return False
    if known.origin.store != card.origin.store:
        return not card.origin.speaks
    return known.mmproj == card.mmproj and _said(known.origin) == _said(card.origin)


def _said(origin: Origin) -> Origin:
    return evolve(origin, names=(), digest=None, size=0, modified_ns=None, license="")


def _marks(path: Path) -> set[Hashable]:
    """Return what two paths of one file, or two files that are named by one content, share."""
    real = _real_path(path)
    marks: set[Hashable] = {os.path.normcase(real)}
    if match := _SHA256.fullmatch(os.path.basename(real)):
        marks.add(match[1])
    try:
        status = os.stat(real)
    except OSError:
        return marks
    if status.st_ino:
        marks.add((status.st_dev, status.st_ino))
    return marks


def _real_path(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except OSError:  # Windows does not follow every path that it can open
        return os.path.abspath(path)
