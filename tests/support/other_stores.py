"""Imitations of the stores of other programs, as they lie on disk."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

_MEDIA = "application/vnd.ollama.image."
_CONFIG = "application/vnd.docker.container.image.v1+json"


@frozen
class FakeOllamaStore:
    """One store of Ollama's."""

    folder: Path

    def blob(self, content: bytes | Path) -> dict[str, Any]:
        """Put a blob there, a file's as a hard link where that can be; return digest and size."""
        data = content.read_bytes() if isinstance(content, Path) else content
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.folder / "blobs" / f"sha256-{sha256}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            if isinstance(content, Path):
                _link(content, path)
            else:
                path.write_bytes(data)
        return {"digest": f"sha256:{sha256}", "size": len(data)}

    def add(
        self,
        name: str,
        *layers: tuple[str, bytes | Path],
        config: Mapping[str, Any] | None = None,
    ) -> str:
        """Add a model by host, namespace, model and tag; return the sha256 of its manifest."""
        told = {"model_format": "gguf"} if config is None else config
        manifest = {
            "schemaVersion": 2,
            "config": {"mediaType": _CONFIG, **self.blob(json.dumps(told).encode())},
            "layers": [{"mediaType": _MEDIA + kind, **self.blob(data)} for kind, data in layers],
        }
        return self.write(name, json.dumps(manifest).encode())

    def write(self, name: str, content: bytes) -> str:
        """Write a manifest as it is."""
        path = self.folder / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return hashlib.sha256(content).hexdigest()


def add_snapshot(cache: Path, repository: str, file: str, content: bytes, *, links: bool) -> Path:
    """Put a file into a Hugging Face cache: a link to a blob, or as on Windows the file itself."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    path = folder / "snapshots" / "abc123" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text("abc123", "ascii")
    if not links:
        path.write_bytes(content)
        return path
    blob = folder / "blobs" / hashlib.sha256(content).hexdigest()
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(content)
    path.symlink_to(os.path.relpath(blob, path.parent))
    return path


def listing_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what lies below a folder, to see that nothing is written there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_size, status.st_mtime_ns)
    return found


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # another disk
