"""The names by which people ask for models, and the one by which we know each.

A **model key** is the lower-case stem of the model's file, without ``.gguf``
and without a shard's number: ``januscoderv-7b.i1-q4_k_s``. Where two files
share a stem, the folders that tell them apart come in front:
``januscoderv-7b-i1-gguf/januscoderv-7b.i1-q4_k_s``. A model that has an entry
in the configuration is known by the entry's name instead.

Names are compared by ``normalise``. Beside its key, a model answers to the
path of its file below the scanned folder or any tail of it, and, as long as
only one model does, to the name of its folder and to its name without the
quantisation, each with ``@Q4_K_M`` or ``:Q4_K_M`` behind it or not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NewType

from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.found_file import shard_name, without_suffix
from llama_runner.catalog.origin import LM_STUDIO, MODELS, OLLAMA
from llama_runner.catalog.quantization import split_quantization

ModelKey = NewType("ModelKey", str)

_SPACES = re.compile(r"\s+")


def normalise(name: str) -> str:
    """Return the form in which names are compared."""
    # A file name may hold bytes that are no text; no client could send them.
    text = name.encode(errors="replace").decode().strip().casefold()
    text = _SPACES.sub("-", text).replace("\\", "/").removesuffix(":latest")
    return text.removesuffix(".gguf").replace("@", ":").strip("/")


def derive_keys(cards: Sequence[ModelCard], taken: Collection[str] = ()) -> tuple[ModelKey, ...]:
    """Return a key for each card, in their order: the shortest tail of its path that tells.

    No key is one of ``taken``, which are normalised names.
    """
    tails = [list(_tails(_parts(card))) for card in cards]
    keys = [own[0] for own in tails]
    for depth in range(1, max(map(len, tails), default=0)):
        shared = {key for key, times in Counter(keys).items() if times > 1 or key in taken}
        keys = [
            own[min(depth, len(own) - 1)] if key in shared else key
            for key, own in zip(keys, tails, strict=True)
        ]
    return tuple(_numbered(keys, taken))


def keys_of(cards: Sequence[ModelCard], taken: Collection[str] = ()) -> tuple[ModelKey, ...]:
    """Return a key for each card: its store's name for it, else one derived from its path.

    What was fetched or made here comes first, as somebody asked for it by that name; then
    models whose store has no names for them; then a name that two models would share is
    used for neither; one that is taken gives way to the whole of it
    (``registry.ollama.ai/library/model:tag``).
    """
    keys: dict[int, ModelKey] = {}
    used = {*taken}
    for card in cards:
        if card.origin.is_kept and normalise(name := card.origin.names[0]) not in used:
            keys[_identity(card)] = ModelKey(name)
            used.add(normalise(name))
    unnamed = [c for c in cards if _is_known_by_path(c) and _identity(c) not in keys]
    keys |= zip(map(_identity, unnamed), derive_keys(unnamed, used), strict=True)
    used |= {*map(normalise, keys.values())}
    shown = Counter(normalise(name) for card in cards for name in card.origin.names)
    for card in cards:
        free = [
            n for n in card.origin.names if normalise(n) not in used and shown[normalise(n)] < 2
        ]
        if free and not _is_known_by_path(card) and _identity(card) not in keys:
            keys[_identity(card)] = ModelKey(free[0])
            used.add(normalise(free[0]))
    rest = [card for card in cards if _identity(card) not in keys]
    keys |= zip(map(_identity, rest), derive_keys(rest, used), strict=True)
    return tuple(keys[_identity(card)] for card in cards)


def _is_known_by_path(card: ModelCard) -> bool:
    return not card.origin.names or card.origin.store in (MODELS, LM_STUDIO)


def _identity(card: ModelCard) -> int:
    # Several models may be made of one file.
    return id(card)


def exact_names(card: ModelCard) -> Iterator[str]:
    """Return the names that stand for this one file: its path, and every tail of it."""
    yield from map(normalise, card.origin.names)
    if card.origin.store == OLLAMA:
        return  # a blob's name says nothing
    yield from _tails(_parts(card))
    yield from _tails((*card.folders, without_suffix(card.path.name)))


def loose_names(card: ModelCard) -> Iterator[str]:
    """Return the names that a card may share with its neighbours."""
    if card.origin.store == OLLAMA:
        return
    stem = _stem(card)
    base, quantization = split_quantization(stem)
    names = {*_tails(card.folders), *_tails((*card.folders, base))}
    names |= {name.removesuffix("-gguf") for name in names}
    yield from names
    for tag in {quantization or card.quantization, card.quantization}:
        yield from (normalise(f"{name}:{tag}") for name in (*names, *_tails(_parts(card))))


def by_likeness(name: str, keys: Iterable[ModelKey]) -> tuple[ModelKey, ...]:
    """Return the keys, those most like ``name`` first."""
    wanted = _trigrams(normalise(name)[:200])
    return tuple(sorted(keys, key=lambda key: (-len(wanted & _trigrams(key.casefold())), key)))


def _trigrams(text: str) -> set[str]:
    return {text[start : start + 3] for start in range(len(text) - 2)}


def _stem(card: ModelCard) -> str:
    stem = without_suffix(card.path.name)
    shard = shard_name(stem)
    return shard.stem if shard else stem


def _parts(card: ModelCard) -> tuple[str, ...]:
    return (*card.folders, _stem(card))


def _tails(parts: Sequence[str]) -> Iterator[str]:
    """Return the ends of a path, shortest first."""
    for start in reversed(range(len(parts))):
        yield normalise("/".join(parts[start:]))


def _numbered(keys: Sequence[str], taken: Collection[str]) -> Iterator[ModelKey]:
    used = set(taken)
    for key in keys:
        unique, number = key, 1
        while unique in used:
            number += 1
            unique = f"{key}-{number}"
        used.add(unique)
        yield ModelKey(unique)
