"""Writes a GGUF file whose weights are noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from gguf import GGUFWriter
from numpy.typing import NDArray

Weights = NDArray[np.float32]
# As numpy has it: the last number is the length of a row.
Shape = tuple[int, ...]

_SEED = 1


class Noise:
    """Draws weights; the same each time, on every system."""

    def __init__(self) -> None:
        # The one generator whose numbers numpy promises never to change.
        self._draw = np.random.RandomState(_SEED)

    def tensor(self, *shape: int, spread: float = 0.5) -> Weights:
        """Return weights around 0."""
        return self._draw.normal(0.0, spread, shape).astype(np.float32)

    def tensors(self, shapes: Mapping[str, Shape]) -> dict[str, Weights]:
        """Return weights by name."""
        return {name: self.tensor(*shape) for name, shape in shapes.items()}


def layer(name: str, *shape: int) -> dict[str, Shape]:
    """Return the shapes of a layer that has a bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def ones(*names: str, width: int) -> dict[str, Weights]:
    """Return the weights of norms that change nothing."""
    return {f"{name}.weight": np.ones(width, dtype=np.float32) for name in names}


def write(path: Path, writer: GGUFWriter, tensors: Mapping[str, Weights]) -> Path:
    """Write what the writer knows, and these tensors, to a file, with the folders it needs.

    A writer that splits makes several files and none of this very name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file(path)
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
