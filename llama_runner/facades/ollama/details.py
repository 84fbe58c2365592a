"""What Ollama's listings say of a model."""

from __future__ import annotations

from typing import Any

from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.facades.ollama.digests import digest_of
from llama_runner.facades.ollama.names import listed_name
from llama_runner.facades.ollama.timestamps import local_time

CAPABILITIES = ("completion", "embedding", "tools", "insert", "vision", "thinking", "audio")
"""In Ollama's order."""


def details_of(card: ModelCard) -> dict[str, Any]:
    """Return the object ``details``, which every listing has."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": card.architecture,
        # By "clip" some clients know that a model sees.
        "families": [card.architecture, *(["clip"] if card.mmproj else [])],
        "parameter_size": parameter_size(card.parameters or 0),
        "quantization_level": card.quantization or "unknown",
    }


def listed(model: CatalogModel, context: int) -> dict[str, Any]:
    """Return one entry of ``/api/tags``; a request to the model has ``context`` tokens."""
    card, name = model.card, listed_name(model)
    lengths = {"context_length": context, "embedding_length": card.embedding_length}
    return {
        "name": name,
        "model": name,
        "modified_at": local_time(changed_ns(card)),
        "size": card.origin.size or card.size,
        "digest": digest_of(card),
        "details": details_of(card) | {key: length for key, length in lengths.items() if length},
        "capabilities": capabilities_of(model),
    }


def changed_ns(card: ModelCard) -> int:
    """Return when a model was changed, in nanoseconds after 1970: its manifest, else its files."""
    return card.modified_ns if card.origin.modified_ns is None else card.origin.modified_ns


def capabilities_of(model: CatalogModel) -> list[str]:
    """Return what a model can do, in Ollama's words; a list even if it is nothing."""
    return [name for name in CAPABILITIES if name in model.capabilities]


def parameter_size(parameters: int) -> str:
    """Return a number of weights as Ollama writes it: ``134.52M``, ``3.2B``, ``70B``."""
    for unit, letter, places in ((10**12, "T", 1), (10**9, "B", 1), (10**6, "M", 2)):
        if parameters >= unit:
            whole = parameters % unit == 0
            return f"{parameters / unit:.{0 if whole else places}f}{letter}"
    return f"{parameters / 1000:.0f}K" if parameters >= 1000 else str(parameters)
