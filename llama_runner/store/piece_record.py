"""Which pieces of a partial file are whole, and their digests: a line for each, only ever added."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from attrs import define

from llama_runner.store.pieces import Pieces

_FORMAT = 1
_LINE = re.compile(r"(\d{1,9}) ([0-9a-f]{64})")


@define(eq=False)
class PieceRecord:
    """A small file beside the partial one.

    A line is added once its piece is on the disk, so that whatever ends us, no line tells
    of a piece that is not there. A line that was not written to its end counts as none.
    """

    _file: Any
    digests: dict[int, str]

    @classmethod
    def open(cls, path: Path, pieces: Pieces) -> PieceRecord:
        """Read what there is of it, and go on with it; another file's record is begun anew.

        Raises:
            OSError: it can be neither read nor written.

        """
        head = json.dumps({"format": _FORMAT, "size": pieces.size, "piece": pieces.length})
        written = path.read_bytes() if path.exists() else b""
        whole = written[: written.rfind(b"\n") + 1]
        first, *lines = whole.decode("ascii", "replace").split("\n")
        file = path.open("r+b" if path.exists() else "x+b")
        if first != head:
            lines, whole = [], f"{head}\n".encode()
            file.write(whole)
        file.truncate(len(whole))
        file.seek(len(whole))
        record = cls(file, dict(_read(lines, pieces)))
        record._flush()
        return record

    def add(self, index: int, digest: str) -> None:
        """Tell that a piece is whole; the last line about a piece counts.

        Raises:
            OSError: the disk is full, or worse.

        """
        self._file.write(f"{index} {digest}\n".encode())
        self._flush()
        self.digests[index] = digest

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _read(lines: list[str], pieces: Pieces) -> list[tuple[int, str]]:
    found = (_LINE.fullmatch(line) for line in lines)
    told = [(int(match[1]), match[2]) for match in found if match]
    return [(index, digest) for index, digest in told if index < pieces.count]
