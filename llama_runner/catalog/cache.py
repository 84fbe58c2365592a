"""Remembers what was read from GGUF headers, so that a file is read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, define, field

from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile
from llama_runner.kept_file import KeptFile

# To be raised when a reader of the same fields would find other values.
_FORMAT = 4


@define(eq=False)
class MetadataCache:
    """Facts by path, size and time of change, kept in one file.

    One that cannot be read counts as empty.
    """

    path: Path
    _kept: KeptFile = field(init=False)
    _entries: dict[str, list[Any]] = field(factory=dict, init=False)
    _changed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._kept = KeptFile(self.path, _FORMAT, "the metadata cache")

    def load(self) -> None:
        """Read the file, if there is one."""
        self._entries, self._changed = self._kept.read(_entries_of, {}), False

    def find(self, file: FoundFile) -> FileFacts | str | None:
        """Return what is remembered of a file, which may be why it is no use."""
        try:
            size, modified_ns, finding = self._entries[_key(file.path)]
            if (size, modified_ns) != (file.size, file.modified_ns):
                return None
            return finding if isinstance(finding, str) else FileFacts(**finding)
        except (KeyError, TypeError, ValueError):
            return None

    def remember(self, file: FoundFile, finding: FileFacts | str) -> None:
        """Keep what was read from a file."""
        kept = asdict(finding) if isinstance(finding, FileFacts) else finding
        self._entries[_key(file.path)] = [file.size, file.modified_ns, kept]
        self._changed = True

    def forget_missing(self) -> None:
        """Drop the entries of files that are no longer there."""
        gone = [key for key in self._entries if not os.path.exists(key)]
        for key in gone:
            del self._entries[key]
        self._changed = self._changed or bool(gone)

    def save(self) -> None:
        """Write the file anew, whole or not at all, if anything has changed."""
        if not self._changed:
            return
        if self._kept.write(self._kept.text({"files": self._entries})):
            self._changed = False


def _entries_of(stored: Mapping[str, Any]) -> dict[str, list[Any]]:
    return dict(stored["files"])


def _key(path: Path) -> str:
    # File names need not be valid text, but JSON must be.
    return str(path).encode(errors="backslashreplace").decode()
