"""New models of what is here already: copies, and models with texts of their own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from llama_runner.catalog.card import ModelCard, ModelKind, is_adapter, kind_of
from llama_runner.catalog.facts import facts_of
from llama_runner.catalog.gguf import GGUFError
from llama_runner.catalog.header_file import read_header_file
from llama_runner.errors import BadRequest, StoreFailed
from llama_runner.store.remote_model import PulledFile, PulledModel, Role

NOT_GGUF = "supplied file was not in GGUF format"
"""In Ollama's words."""


@frozen
class SuppliedFile:
    """A file that a client brought, under the name that it has there."""

    name: str
    path: Path
    sha256: str


def copy_of(card: ModelCard, name: str) -> PulledModel:
    """Return a model of the same files and texts, under another name."""
    return PulledModel(name, files_of(card), texts_of(card))


def files_of(card: ModelCard) -> tuple[PulledFile, ...]:
    """Return the files of a model, wherever they lie; raises StoreFailed if one cannot be read."""
    files = [_file(Role.MODEL, path, "model") for path in card.shards]
    if card.mmproj is not None:
        files.append(_file(Role.PROJECTOR, card.mmproj, "mmproj"))
    for number, adapter in enumerate(card.origin.adapters, 1):
        files.append(_file(Role.ADAPTER, Path(adapter), f"adapter-{number}"))
    return tuple(files)


def texts_of(card: ModelCard) -> dict[Role, tuple[str, ...]]:
    """Return what a model's store says of it beside its files."""
    origin = card.origin
    told = {
        Role.SYSTEM: origin.system,
        Role.TEMPLATE: origin.template,
        Role.CHAT_TEMPLATE: origin.chat_template,
        Role.LICENSE: origin.license,
        Role.PARAMETERS: json.dumps(dict(origin.parameters)) if origin.parameters else "",
        Role.MESSAGES: json.dumps([*map(dict, origin.messages)]) if origin.messages else "",
    }
    return {role: (text,) for role, text in told.items() if text}


def supplied(files: Iterable[SuppliedFile]) -> tuple[PulledFile, ...]:
    """Return what the files are that a client brought; to be called in a thread.

    Raises:
        BadRequest: one is no GGUF file, or none of them is a model.
        StoreFailed: one cannot be read.

    """
    found = tuple(map(_supplied, files))
    if not any(file.role is Role.MODEL for file in found):
        raise BadRequest("files: none of them is a model")
    return found


def adapters(files: Iterable[SuppliedFile]) -> tuple[PulledFile, ...]:
    """Return the adapters that a client brought; to be called in a thread.

    Raises:
        BadRequest: one is none.
        StoreFailed: one cannot be read.

    """
    found = tuple(map(_supplied, files))
    for file in found:
        if file.role is not Role.ADAPTER:
            raise BadRequest(f"adapters: {file.name} is no LoRA adapter in a GGUF file")
    return found


def _supplied(file: SuppliedFile) -> PulledFile:
    try:
        size = file.path.stat().st_size
        facts = facts_of(read_header_file(file.path, size))
    except GGUFError:
        raise BadRequest(NOT_GGUF) from None
    except OSError as error:
        raise StoreFailed(f"{file.path} cannot be read: {error.strerror}") from error
    name = Path(file.name.replace("\\", "/")).name
    name = name if name.lower().endswith(".gguf") else f"{name}.gguf"
    role = Role.MODEL
    if is_adapter(facts):
        role = Role.ADAPTER
    elif kind_of(facts, name) is ModelKind.PROJECTOR:
        role = Role.PROJECTOR
    return PulledFile(role, name, file.path, size, file.sha256)


def _file(role: Role, path: Path, otherwise: str) -> PulledFile:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StoreFailed(f"{path} cannot be read: {error.strerror}") from error
    # A blob of another program's store is called after its content.
    name = path.name if path.name.lower().endswith(".gguf") else f"{otherwise}.gguf"
    return PulledFile(role, name, path, size, None)
