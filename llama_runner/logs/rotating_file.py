"""Log files of bounded size, and a bounded number of them.

``llama-runner.log`` is the one being written. A full one is set aside as
``llama-runner.000001.log``; a higher number is newer, and the oldest go first.
"""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from llama_runner.logs.layout import file_text
from llama_runner.logs.line import LogLine

CURRENT = "llama-runner.log"

_SET_ASIDE = re.compile(r"llama-runner\.(\d{6,12})\.log")


@frozen
class RotatingFile:
    """Appends lines to the current file and keeps all files within their bound.

    The file is open only while a write lasts, so nothing of ours stands in the
    way of its renaming. On Windows another program's reading does: then the
    file grows, older ones make room for that, and every write tries again.
    """

    folder: Path
    max_file_bytes: int
    max_files: int

    @property
    def current(self) -> Path:
        """The file that is written to."""
        return self.folder / CURRENT

    def write(self, lines: Sequence[LogLine]) -> int:
        """Append as many lines as one file takes; return how many.

        Raises:
            OSError: nothing was written.
        """
        data = [_within(self.max_file_bytes, file_text(line)) for line in lines]
        self.folder.mkdir(parents=True, exist_ok=True)
        room = self._make_room(len(data[0]), sum(map(len, data)))
        taken: list[bytes] = []
        for line in data:
            room -= len(line)
            if room < 0:
                break
            taken.append(line)
        if not taken:
            raise OSError(errno.ENOSPC, "the log files are full and other programs hold them")
        _append(self.current, b"".join(taken))
        return len(taken)

    def _make_room(self, least: int, most: int) -> int:
        """Return how many bytes the current file takes, after what must go has gone."""
        size = _size(self.current)
        if size and size + least > self.max_file_bytes and self._set_aside():
            size = 0
        wanted = self.max_file_bytes
        if size + least > wanted:  # it could not be set aside
            wanted = size + most
        bound = self.max_file_bytes * self.max_files
        return min(wanted, bound - self._prune(bound - wanted)) - size

    def _set_aside(self) -> bool:
        older = self._older()
        number = older[-1][0] + 1 if older else 1
        try:
            self.current.rename(self.folder / f"llama-runner.{number:06}.log")
        except OSError:
            return False
        return True

    def _prune(self, bound: int) -> int:
        """Remove the oldest files until the others are within ``bound``; return their bytes."""
        older = [(path, _size(path)) for _, path in self._older()]
        total, count = sum(size for _, size in older), len(older)
        for path, size in older:
            if total <= bound and count < self.max_files:
                break
            with suppress(OSError):  # held by another program: the next oldest goes in its place
                path.unlink(missing_ok=True)
                total, count = total - size, count - 1
        return total

    def _older(self) -> list[tuple[int, Path]]:
        """Return the files set aside, oldest first."""
        named = ((_SET_ASIDE.fullmatch(path.name), path) for path in self.folder.iterdir())
        return sorted((int(match[1]), path) for match, path in named if match)


def _within(limit: int, text: str) -> bytes:
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit:
        return data
    return data[: limit - 1].decode("utf-8", "ignore").encode() + b"\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _append(path: Path, data: bytes) -> None:
    """Append all of ``data``, or raise with the file as it was."""
    with path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            _write_all(file, data)
        except OSError:
            with suppress(OSError):
                file.truncate(before)
            raise


def _write_all(file: io.FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
