"""The zoo's models by name, and where each lies in a folder of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.zoo.bert import write_embedder, write_reranker
from tests.support.zoo.seer import write_projector
from tests.support.zoo.talkers import write_chat, write_shards, write_thinker


def _write_seer(path: Path) -> Path:
    write_projector(path.with_name("mmproj-tiny-seer.gguf"))
    return write_chat(path)


ZOO: Mapping[str, Callable[[Path], Path]] = {
    "tiny-chat": write_chat,
    "tiny-thinker": write_thinker,
    "tiny-embedder": write_embedder,
    "tiny-reranker": write_reranker,
    "tiny-seer": _write_seer,
    "tiny-shards": write_shards,
}
"""What writes each model to a path, and returns that by which it is opened."""


def write_zoo(folder: Path) -> dict[str, Path]:
    """Write all models, each into a folder of its own; return their paths by name."""
    return {name: write(folder / name / f"{name}.gguf") for name, write in ZOO.items()}
