"""What makes one load like another: the model's files, the engine's build, the arguments."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from hashlib import blake2b
from pathlib import Path

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.memory.experience import Load
from llama_runner.runner.command import settings
from llama_runner.runner.engine import Engine
from llama_runner.runner.flags import Scalar, canonical

MATTERS_TO_NO_PROMPT = frozenset("""
    embd-normalize keep metrics min-p n-predict predict prio repeat-last-n repeat-penalty seed
    slot-prompt-similarity temp threads threads-batch threads-http timeout top-k top-p typical
    verbosity warmup
    """.split())
"""Parameters that change how fast or what is answered, but not what a slot holds of a prompt."""


def projector_of(model: CatalogModel) -> Path | None:
    """Return the multimodal projector that a model is launched with."""
    if model.config.mmproj is None:
        return model.card.mmproj
    return Path(model.config.mmproj) if model.config.mmproj else None


def load_of(model: CatalogModel, engine: Engine, but: Container[str] = ()) -> Load:
    """Return what tells a load of a model with an engine from others; parameters ``but`` some."""
    chosen = settings(model.card, canonical(model.config.parameters))
    arguments: dict[str, Scalar] = {
        name: value for name, value in chosen.items() if name not in but
    }
    arguments["mmproj"] = str(projector_of(model) or "")
    return Load(
        model=identity_of(model.card.path),
        build=f"{engine.description} {identity_of(Path(engine.command[0]))}",
        arguments=json.dumps(arguments, sort_keys=True),
    )


def prompt_identity(model: CatalogModel, engine: Engine) -> str:
    """Return a name, without a word of its own, for all that makes saved prompts of use again."""
    load = load_of(model, engine, MATTERS_TO_NO_PROMPT)
    files = _files(model.config.parameters, projector_of(model))
    text = json.dumps([load.model, load.build, load.arguments, files])
    return blake2b(text.encode(), digest_size=16).hexdigest()


def identity_of(path: Path) -> str:
    """Name a file as it is now."""
    try:
        status = path.stat()
    except OSError:
        return str(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _files(parameters: Mapping[str, Scalar], projector: Path | None) -> list[str]:
    """Return the further files that are named, such as adapters."""
    named = [Path(value) for value in parameters.values() if isinstance(value, str) and value]
    paths = [*named, *([projector] if projector is not None else [])]
    return sorted(identity_of(path) for path in paths if _is_file(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
