"""A file that is being fetched: ``NAME.part``, with its record, until it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from attrs import define

from llama_runner.platforms.replacing import replace_file
from llama_runner.store.piece_record import PieceRecord
from llama_runner.store.pieces import Pieces


class Hasher(Protocol):
    """What hashlib gives."""

    def update(self, data: bytes, /) -> None:
        """Go on with these bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the digest of all so far."""
        ...


@define(eq=False)
class PartFile:
    """All that is done here waits for the disk, and is to be done in a thread, one by one."""

    path: Path
    pieces: Pieces
    _file: Any
    _record: PieceRecord

    @classmethod
    def open(cls, path: Path, pieces: Pieces) -> PartFile:
        """Go on with what there is of the file that shall be called ``path``.

        Raises:
            OSError: it can be neither read nor written.

        """
        path.parent.mkdir(parents=True, exist_ok=True)
        part, record_path = _part(path), _record(path)
        record = PieceRecord.open(record_path, pieces)
        try:
            file = part.open("r+b" if part.exists() else "x+b")
        except OSError:
            record.close()
            raise
        there = os.fstat(file.fileno()).st_size
        for index in [index for index in record.digests if pieces.end(index) > there]:
            del record.digests[index]
        return cls(path, pieces, file, record)

    def missing(self) -> list[int]:
        """Return the pieces that are not there."""
        return [index for index in range(self.pieces.count) if index not in self._record.digests]

    def keep(self, index: int, data: bytes) -> None:
        """Write a piece, unless the same was written before, and tell that it is whole.

        Raises:
            OSError: the disk is full, or worse.

        """
        digest = sha256(data).hexdigest()
        if self._record.digests.get(index) == digest == sha256(self._read(index)).hexdigest():
            return
        self._file.seek(self.pieces.start(index))
        self._file.write(data)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._record.add(index, digest)

    def feed(self, hasher: Hasher, index: int) -> None:
        """Put one piece, as it is on the disk, into a digest."""
        hasher.update(self._read(index))

    def is_damaged(self, index: int) -> bool:
        """Tell whether a piece is not on the disk as it was received."""
        return sha256(self._read(index)).hexdigest() != self._record.digests.get(index)

    def finish(self) -> None:
        """Give the file its name and forget how it came.

        Raises:
            OSError: it cannot be done.

        """
        self._file.truncate(self.pieces.size)
        os.fsync(self._file.fileno())
        self.close()
        replace_file(_part(self.path), self.path)
        _record(self.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the files; they stay, for another time."""
        self._file.close()
        self._record.close()

    def discard(self) -> None:
        """Let go of the files, and remove them."""
        self.close()
        forget(self.path)

    def _read(self, index: int) -> bytes:
        start = self.pieces.start(index)
        self._file.seek(start)
        data: bytes = self._file.read(self.pieces.end(index) - start)
        return data


def bytes_left(path: Path, pieces: Pieces) -> int:
    """Return how many bytes are still to be fetched of a file, without changing anything."""
    if path.is_file() and path.stat().st_size == pieces.size:
        return 0
    if not _record(path).exists():
        return pieces.size
    part = PartFile.open(path, pieces)
    try:
        return pieces.bytes_of(part.missing())
    finally:
        part.close()


def forget(path: Path) -> None:
    """Remove what there is of a file that was not fetched to its end."""
    for left in (_record(path), _part(path)):
        with suppress(FileNotFoundError):
            left.unlink()


def parts_of(paths: Iterable[Path]) -> list[Path]:
    """Return the partial files and records of these files, whether they are there or not."""
    return [beside for path in paths for beside in (_part(path), _record(path))]


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.part.record")
