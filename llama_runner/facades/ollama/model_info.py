"""The object ``model_info`` of ``/api/show``: the GGUF header, as its clients need it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.catalog.gguf import Skipped, Value

_LONGEST = 5
"""How many items an array may have that is shown to who did not ask for all."""

_HIDDEN = {"general.name", "tokenizer.chat_template"}


def model_info(
    model: CatalogModel, metadata: Mapping[str, Value], context: int, *, verbose: bool
) -> dict[str, Any]:
    """Return the keys of a header, those that clients look for always among them.

    Long arrays are null unless ``verbose``, and the longest, which no reader of ours
    keeps, in any case. The ``context`` is what a request gets, which clients fill.
    """
    card, arch = model.card, model.card.architecture
    info = {
        "general.architecture": arch,
        "general.basename": card.name or model.key,
        "general.parameter_count": card.parameters or 0,
        f"{arch}.embedding_length": card.embedding_length,
        f"{arch}.block_count": card.block_count,
    }
    return info | header_info(metadata, verbose=verbose) | {f"{arch}.context_length": context}


def header_info(metadata: Mapping[str, Value], *, verbose: bool) -> dict[str, Any]:
    """Return the keys of a header as they are, be it a model's or a projector's."""
    return {key: _shown(value, verbose) for key, value in metadata.items() if key not in _HIDDEN}


def _shown(value: Value, verbose: bool) -> Any:  # noqa: FBT001 - of one function above only
    if isinstance(value, Skipped):
        return None
    if isinstance(value, tuple):
        return list(value) if verbose or len(value) <= _LONGEST else None
    return value
