"""Remembers what was read from GGUF headers, so that a file is read once."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import orjson
from attrs import asdict, define, field

from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile
from llama_runner.platforms.replacing import replace_file

logger = logging.getLogger(__name__)

# To be raised when a reader of the same fields would find other values.
_FORMAT = 2


@define(eq=False)
class MetadataCache:
    """Facts by path, size and time of change, kept in one file.

    The cache is never worth an error: one that cannot be read counts as
    empty, one that cannot be written is lost, each with a warning.
    """

    path: Path
    _entries: dict[str, list[Any]] = field(factory=dict, init=False)
    _changed: bool = field(default=False, init=False)

    def load(self) -> None:
        """Read the file, if there is one."""
        self._entries, self._changed = {}, False
        try:
            stored = orjson.loads(self.path.read_bytes())
            if stored["format"] == _FORMAT:
                self._entries = dict(stored["files"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError) as error:
            logger.warning("the metadata cache %s is ignored: %s", self.path, error)

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
        try:
            content = orjson.dumps({"format": _FORMAT, "files": self._entries})
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(self.path, content)
            self._changed = False
        except (OSError, orjson.JSONEncodeError) as error:
            logger.warning("the metadata cache %s cannot be written: %s", self.path, error)


def _key(path: Path) -> str:
    # File names need not be valid text, but JSON must be.
    return str(path).encode(errors="backslashreplace").decode()


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        replace_file(Path(temporary), path)
    except OSError:
        os.unlink(temporary)
        raise
