"""One download from a server of a test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random

import trio

from llama_runner.store.download import open_download
from llama_runner.store.pieces import Pieces
from llama_runner.store.remote_file import RemoteFile
from llama_runner.store.web import Web, open_client

PIECE = 4096
SIZE = 40 * PIECE - 100
DATA = Random(7).randbytes(SIZE)
PATH = "/file"


async def downloaded(
    base: str,
    folder: Path,
    data: bytes = DATA,
    tell: Callable[[int], object] = lambda completed: None,
    token: str | None = None,
) -> Path:
    """Fetch ``data`` from a server; return where it was put."""
    file = RemoteFile(base + PATH, len(data), sha256(data).hexdigest())
    path = folder / file.stored_as
    async with open_client() as client:
        web = Web(client, base, token)
        async with open_download(web, file, path, Pieces(file.size, PIECE), tell) as download:
            await download.fetch()
            await download.verify()
    return path


if __name__ == "__main__":
    trio.run(downloaded, sys.argv[1], Path(sys.argv[2]))
