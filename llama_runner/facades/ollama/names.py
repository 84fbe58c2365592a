"""Model names as Ollama writes them: ``[[host/]namespace/]model:tag``.

Whatever Ollama lists has a tag, and clients compare names with it. ``x`` is ``x:latest``
and nothing else; so is it in our catalog, which passes over ``:latest``. A key that
names no tag is therefore listed with that one.
"""

from __future__ import annotations

import re

from llama_runner.catalog.catalog import Catalog, CatalogModel
from llama_runner.errors import BadRequest, UnknownModel

DEFAULT_TAG = "latest"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}"
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}"
_NAMESPACE = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}"
_NAME = re.compile(rf"(?:(?:{_HOST}/)?{_NAMESPACE}/)?{_PART}(?::{_PART})?")


def tagged(name: str) -> str:
    """Return a name with a tag, the default one if it has none."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:{DEFAULT_TAG}"


def listed_name(model: CatalogModel) -> str:
    """Return the name under which a model is listed."""
    return tagged(model.key)


def is_valid(name: str) -> bool:
    """Tell whether Ollama would take this for a name at all."""
    return _NAME.fullmatch(name.strip()) is not None


def find(catalog: Catalog, name: str) -> CatalogModel:
    """Return the model of this name.

    Raises:
        BadRequest: it is no name; models of ours that have such names are found all the same.
        UnknownModel: there is none.

    """
    try:
        return catalog.resolve(name)
    except UnknownModel:
        if is_valid(name):
            raise
        raise BadRequest("invalid model name") from None


def spelled(catalog: Catalog, name: str) -> str:
    """Return a new model's name in the letters of the one that it replaces, if there is one."""
    kept = (model.card.origin for model in catalog.models.values() if model.card.origin.is_kept)
    names = (origin.names[0] for origin in kept)
    return next((known for known in names if known.casefold() == name.casefold()), name)


def full_name(name: str) -> str:
    """Return a name with all its parts, as some of Ollama's errors have it."""
    parts = tagged(name).split("/")
    defaults = ["registry.ollama.ai", "library"]
    return "/".join([*defaults[: max(0, 3 - len(parts))], *parts])
