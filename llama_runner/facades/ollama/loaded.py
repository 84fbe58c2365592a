"""The answer of ``/api/ps``: what is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llama_runner.catalog.catalog import Catalog, CatalogModel
from llama_runner.facades.ollama.details import details_of
from llama_runner.facades.ollama.digests import digest_of
from llama_runner.facades.ollama.names import listed_name
from llama_runner.facades.ollama.timestamps import FOREVER, NANOSECONDS, local_time
from llama_runner.lending.loaded import LoadedModel
from llama_runner.memory.amounts import RAM


def loaded_fields(catalog: Catalog, loaded: Iterable[LoadedModel], now: int) -> dict[str, Any]:
    """Return the list, the longest stay first; ``now`` is in nanoseconds since 1970."""
    models = {str(key): model for key, model in catalog.models.items()}
    known = [(one, models[one.key]) for one in loaded if one.key in models]
    known.sort(key=lambda pair: _left(pair[0]), reverse=True)
    return {"models": [_entry(one, model, now) for one, model in known]}


def _entry(one: LoadedModel, model: CatalogModel, now: int) -> dict[str, Any]:
    name, held = listed_name(model), one.footprint.by_device
    size = sum(held.values())
    return {
        "name": name,
        "model": name,
        "size": size,
        "digest": digest_of(model.card),
        "details": details_of(model.card),
        "expires_at": local_time(now + int(_left(one) * NANOSECONDS)),
        "size_vram": size - held.get(RAM, 0),
        "context_length": one.context,
    }


def _left(one: LoadedModel) -> float:
    return FOREVER if one.expires_in is None else one.expires_in
