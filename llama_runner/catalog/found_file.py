"""A GGUF file as the file system shows it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from attrs import frozen

from llama_runner.catalog.origin import MODELS

_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})")


@frozen
class PassedOver:
    """A file or folder that was looked at and cannot be used, and why."""

    path: Path
    reason: str


@frozen
class FoundFile:
    """A file of a store, named ``.gguf`` in most; ``folders`` lead to it from the scanned one."""

    path: Path
    folders: tuple[str, ...]
    size: int
    modified_ns: int
    store: str = MODELS

    @property
    def stem(self) -> str:
        """The file's name without ``.gguf``."""
        return without_suffix(self.path.name)


@frozen
class ShardName:
    """The parts of a name such as ``model-00001-of-00003``."""

    stem: str
    number: int
    total: int


def absolute(path: Path) -> Path:
    """Return the one spelling by which the catalog knows a path; links are kept."""
    return Path(os.path.abspath(path.expanduser()))


def why_unreadable(error: OSError) -> str:
    """Return why something is passed over that the file system did not give."""
    if isinstance(error, FileNotFoundError):
        return "it does not exist, or is a link to what does not"
    return f"it cannot be read: {error.strerror or error}"


def without_suffix(name: str) -> str:
    """Return a file's name without ``.gguf``, in any letter case."""
    return name[: -len(".gguf")] if name.lower().endswith(".gguf") else name


def shard_name(stem: str) -> ShardName | None:
    """Part the name of one shard of a model; None if it is no shard's."""
    match = _SHARD.fullmatch(stem)
    return ShardName(match["stem"], int(match["number"]), int(match["total"])) if match else None
