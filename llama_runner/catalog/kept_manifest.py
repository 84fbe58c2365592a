"""The manifest of a model in our own store: ``manifest.json`` in the folder of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from llama_runner.catalog.bad_manifest import BadManifest

FILE_NAME = "manifest.json"
FORMAT = 1


@frozen
class KeptFile:
    """A file of a model; ``sha256`` is in hex, None of one that nobody has told."""

    name: str
    role: str
    size: int
    sha256: str | None


@frozen
class KeptManifest:
    """A model's name, its files, and its texts by their roles, as Ollama calls these."""

    name: str
    files: tuple[KeptFile, ...]
    texts: Mapping[str, tuple[str, ...]]

    def of(self, role: str) -> tuple[KeptFile, ...]:
        """Return the files of one role."""
        return tuple(file for file in self.files if file.role == role)

    def text(self, role: str) -> str:
        """Return the texts of one role, one below the other."""
        return "\n".join(self.texts.get(role, ()))

    def json_of(self, role: str) -> Any:
        """Return what the last text of a role says, None if there is none or it is no JSON."""
        texts = self.texts.get(role, ())
        try:
            return json.loads(texts[-1]) if texts else None
        except (ValueError, RecursionError):
            return None

    @property
    def size(self) -> int:
        """The bytes of all that it has."""
        texts = (text for each in self.texts.values() for text in each)
        return sum(file.size for file in self.files) + sum(len(text.encode()) for text in texts)

    def written(self) -> str:
        """Return its file's text."""
        files = [
            {"name": file.name, "role": file.role, "size": file.size, "sha256": file.sha256}
            for file in self.files
        ]
        texts = {role: list(each) for role, each in self.texts.items()}
        fields = {"format": FORMAT, "name": self.name, "files": files, "texts": texts}
        return json.dumps(fields, indent=2)


def manifests_in(folder: Path) -> list[Path]:
    """Return the manifests of a models folder; what is not done, or being removed, has a dot."""
    found = folder.glob(f"*/{FILE_NAME}")
    return sorted(path for path in found if not path.parent.name.startswith("."))


def read_kept_manifest(path: Path) -> tuple[KeptManifest, str]:
    """Return what a file says, with the sha256 of its bytes.

    Raises:
        BadManifest: it is not one of ours, or not whole.
        OSError: it cannot be read.

    """
    content = path.read_bytes()
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        raise BadManifest("it is no JSON") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BadManifest(f"it is no manifest of format {FORMAT}")
    try:
        files = tuple(_file(each) for each in told["files"])
        texts = {str(role): tuple(map(str, each)) for role, each in told["texts"].items()}
        manifest = KeptManifest(str(told["name"]), files, texts)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise BadManifest(f"it is not whole: {error!r}") from None
    if not manifest.of("model"):
        raise BadManifest("it names no file of weights")
    return manifest, sha256(content).hexdigest()


def _file(told: Mapping[str, Any]) -> KeptFile:
    name, digest = str(told["name"]), told.get("sha256")
    if "/" in name or "\\" in name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no name of a file")
    return KeptFile(name, str(told["role"]), int(told["size"]), digest if digest else None)
