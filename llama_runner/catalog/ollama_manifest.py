"""A manifest of Ollama's store: which blobs make up a model of which name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from llama_runner.catalog.bad_manifest import BadManifest
from llama_runner.catalog.digest import sha256_in

_MEDIA = "application/vnd.ollama.image."
_DEFAULT = ("registry.ollama.ai", "library")


@frozen
class Layer:
    """One blob of a model: what it is for, in Ollama's word, and its bytes."""

    kind: str
    sha256: str
    size: int

    @property
    def blob(self) -> str:
        """The name of its file."""
        return f"sha256-{self.sha256}"


@frozen
class OllamaManifest:
    """What one manifest says; ``digest`` is the sha256 of its bytes."""

    names: tuple[str, ...]
    digest: str
    layers: tuple[Layer, ...]
    config: Layer | None

    @property
    def size(self) -> int:
        """The bytes of all layers, as Ollama counts them."""
        config = (self.config,) if self.config else ()
        return sum(layer.size for layer in (*self.layers, *config))

    def of(self, kind: str) -> tuple[Layer, ...]:
        """Return the layers of one kind."""
        return tuple(layer for layer in self.layers if layer.kind == kind)


def read_manifest(parts: Iterable[str], content: bytes) -> OllamaManifest:
    """Read a manifest that lies under these parts: host, namespace, model and tag.

    Raises:
        BadManifest: it is none.
    """
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        raise BadManifest("it is no JSON") from None
    if not isinstance(read, dict) or not isinstance(read.get("layers"), list):
        raise BadManifest("it lists no layers")
    config = read.get("config")
    return OllamaManifest(
        tuple(names_of(tuple(parts))),
        hashlib.sha256(content).hexdigest(),
        tuple(_layer(layer) for layer in read["layers"]),
        _layer(config) if isinstance(config, dict) and config.get("digest") else None,
    )


def names_of(parts: tuple[str, ...]) -> Iterator[str]:
    """Return the name that Ollama shows, then the whole one."""
    *place, model, tag = parts
    shown = list(place)
    if shown[:1] == [_DEFAULT[0]]:
        shown = shown[1:]
        if shown == [_DEFAULT[1]]:
            shown = []
    yield f"{'/'.join([*shown, model])}:{tag}"
    if shown != place:
        yield f"{'/'.join([*place, model])}:{tag}"


def _layer(read: Any) -> Layer:
    layer: Mapping[str, Any] = read if isinstance(read, dict) else {}
    kind, digest, size = (layer.get(name) for name in ("mediaType", "digest", "size"))
    sha256 = sha256_in(digest) if isinstance(digest, str) else None
    if not isinstance(kind, str) or sha256 is None:
        raise BadManifest("one of its layers has no type or no sha256")
    bytes_of = size if type(size) is int and size >= 0 else 0
    return Layer(kind.removeprefix(_MEDIA), sha256, bytes_of)
