"""OpenAI's view of the catalog."""

from __future__ import annotations

from typing import Any

from llama_runner.catalog.catalog import Catalog, CatalogModel

OWNER = "organization_owner"
"""What LM Studio says; some clients tell by it which server they talk to."""


def model_fields(model: CatalogModel, created: int) -> dict[str, Any]:
    """Return one model as OpenAI lists it; ``created`` is in seconds since 1970.

    LM Studio leaves ``created`` out, but OpenAI's schema requires it and
    strict clients refuse a list without it.
    """
    return {"id": model.key, "object": "model", "created": created, "owned_by": OWNER}


def list_fields(catalog: Catalog, created: int) -> dict[str, Any]:
    """Return the list of all models that can be asked for."""
    listed = [model_fields(model, created) for model in catalog.listed]
    return {"data": listed, "object": "list"}
