"""Writes GGUF headers, well formed or not, that no engine will load; for those see ``zoo``."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from attrs import field, frozen

_LETTERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?"}
_LETTERS |= {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


@frozen
class Typed:
    """A value of a type of the format's that cannot be told from the Python value."""

    kind: int
    value: Any


@frozen
class Encoded:
    """A value that is encoded already, byte order and all."""

    kind: int
    content: bytes


@frozen
class Tensor:
    """A tensor whose data are zeros; 32-bit floats unless ``kind`` and ``size`` say otherwise."""

    name: str
    dimensions: tuple[int, ...] = (8,)
    kind: int = 0
    size: int = field()

    @size.default
    def _floats(self) -> int:
        return 4 * prod(self.dimensions)


ONE_TENSOR = (Tensor("token_embd.weight", (8, 4)),)


def model_metadata(architecture: str = "llama", **more: Any) -> dict[str, Any]:
    """Return what makes a header that of a servable model; ``more`` uses ``__`` for dots."""
    return {
        "general.architecture": architecture,
        f"{architecture}.context_length": 2048,
        f"{architecture}.embedding_length": 64,
        f"{architecture}.block_count": 2,
        f"{architecture}.attention.head_count": 4,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["<s>", "</s>", "a"],
        **{key.replace("__", "."): value for key, value in more.items()},
    }


def write_gguf(
    path: Path,
    metadata: Mapping[str, Any] | None = None,
    tensors: Sequence[Tensor] = ONE_TENSOR,
    *,
    version: int = 3,
    big_endian: bool = False,
) -> Path:
    """Write a GGUF file, with the folders it needs; the metadata default to a servable model's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chosen = model_metadata() if metadata is None else metadata
    path.write_bytes(encode_gguf(chosen, tensors, version=version, big_endian=big_endian))
    return path


def encode_gguf(
    metadata: Mapping[str, Any],
    tensors: Sequence[Tensor] = ONE_TENSOR,
    *,
    version: int = 3,
    big_endian: bool = False,
) -> bytes:
    """Return the bytes of a GGUF file."""
    writer = Writer(version, ">" if big_endian else "<")
    alignment = metadata.get("general.alignment")
    if not isinstance(alignment, int) or alignment < 1:
        alignment = 32
    head = b"GGUF" + writer.pack("I", version)
    head += writer.length(len(tensors)) + writer.length(len(metadata))
    pieces = [head, *(writer.string(key) + writer.value(value) for key, value in metadata.items())]
    data: list[bytes] = []
    offset = 0
    for tensor in tensors:
        pieces.append(writer.tensor(tensor, offset))
        occupied = tensor.size + -tensor.size % alignment
        data.append(bytes(occupied))
        offset += occupied
    header = b"".join(pieces)
    return b"".join([header, bytes(-len(header) % alignment), *data])


@frozen
class Writer:
    """Encodes the parts of a file of one version in one byte order."""

    version: int = 3
    order: str = "<"

    def pack(self, letter: str, number: float) -> bytes:
        """Return one number."""
        return struct.pack(self.order + letter, number)

    def length(self, count: int) -> bytes:
        """Return a count or a length."""
        return self.pack("I" if self.version == 1 else "Q", count)

    def string(self, text: str | bytes) -> bytes:
        """Return a string behind its length."""
        content = text.encode() if isinstance(text, str) else text
        return self.length(len(content)) + content

    def value(self, value: Any) -> bytes:
        """Return a value behind its type."""
        kind, content = self._typed(value)
        return self.pack("I", kind) + content

    def tensor(self, tensor: Tensor, offset: int) -> bytes:
        """Return a row of the table of tensors."""
        dimensions = b"".join(map(self.length, tensor.dimensions))
        count = self.pack("I", len(tensor.dimensions))
        place = self.pack("I", tensor.kind) + self.pack("Q", offset)
        return self.string(tensor.name) + count + dimensions + place

    def _typed(self, value: Any) -> tuple[int, bytes]:
        match value:
            case Encoded(kind, content):
                return kind, content
            case Typed(kind, number):
                return kind, self.pack(_LETTERS[kind], number)
            case str() | bytes():
                return _STRING, self.string(value)
            case bool():
                return 7, self.pack("?", value)
            case int():
                return self._whole(value)
            case float():
                return 12, self.pack("d", value)
        return _ARRAY, self._array(value)

    def _whole(self, number: int) -> tuple[int, bytes]:
        kind = 11 if number < 0 else 4 if number < 2**32 else 10
        return kind, self.pack(_LETTERS[kind], number)

    def _array(self, values: Sequence[Any]) -> bytes:
        encoded = [self._typed(value) for value in values]
        kind = encoded[0][0] if encoded else _STRING
        contents = b"".join(content for _, content in encoded)
        return self.pack("I", kind) + self.length(len(values)) + contents
