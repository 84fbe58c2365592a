"""A file that a client sends, kept under its digest once all of it has come."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from llama_runner.concurrency.disk import Disk
from llama_runner.errors import BadRequest, StoreFailed
from llama_runner.platforms.replacing import replace_file
from llama_runner.store.shelf import UPLOAD, Shelf

WRITTEN_AT_ONCE = 1024 * 1024
_numbers = count(1)


async def keep(shelf: Shelf, expected: str, size: int | None, pieces: AsyncIterator[bytes]) -> None:
    """Keep what comes under its sha256; ``size`` is how much that will be, if anybody knows.

    Raises:
        BadRequest: it is not what was ``expected``; nothing of it stays.
        StoreFailed: the disk is full, or worse; nothing of it stays.

    """
    path = shelf.waiting(expected)
    scratch = path.with_name(f"{path.name}.{os.getpid()}-{next(_numbers)}{UPLOAD}")
    upload = _Upload(path, scratch, size or 0)
    try:
        await upload.disk.do(upload.begin)
        waiting = bytearray()
        async for piece in pieces:
            waiting += piece
            if len(waiting) >= WRITTEN_AT_ONCE:
                await upload.disk.do(partial(upload.write, bytes(waiting)))
                waiting.clear()
        await upload.disk.do(partial(upload.write, bytes(waiting)))
        if (got := upload.hasher.hexdigest()) != expected:
            message = f'digest mismatch, expected "sha256:{expected}", got "sha256:{got}"'
            raise BadRequest(message)
        await upload.disk.do(upload.finish)
    except OSError as error:
        raise StoreFailed(f"the file cannot be kept: {error}") from error
    finally:
        with trio.CancelScope(shield=True):
            await upload.disk.do(upload.close)


@define(eq=False)
class _Upload:
    """All but ``disk`` waits for the disk, and is to be done by it."""

    path: Path
    scratch: Path
    size: int
    disk: Disk = field(factory=Disk, init=False)
    hasher: Any = field(factory=sha256, init=False)
    _file: Any = field(default=None, init=False)

    def begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.path.parent).free
        if self.size > free:
            raise OSError(f"{self.size} bytes are needed, {free} are free")
        self._file = self.scratch.open("xb")

    def write(self, data: bytes) -> None:
        self.hasher.update(data)
        self._file.write(data)

    def finish(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        replace_file(self.scratch, self.path)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        with suppress(FileNotFoundError):
            self.scratch.unlink()
