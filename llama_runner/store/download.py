"""Fetches one file: in parallel, from where it was left, and checked."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import trio
from attrs import define

from llama_runner.concurrency.disk import Disk
from llama_runner.concurrency.groups import first_error
from llama_runner.errors import PullFailed
from llama_runner.store.interrupted import Interrupted, Patience
from llama_runner.store.part_file import PartFile
from llama_runner.store.pieces import Pieces, runs
from llama_runner.store.remote_file import Progress, RemoteFile
from llama_runner.store.web import Response, Web

CONNECTIONS = 4
"""How many ranges are fetched at once."""

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_CLOSED_WITHIN = 5.0


@define(eq=False)
class Download:
    """One file on its way to ``path``, in a partial file that outlives us."""

    _web: Web
    _file: RemoteFile
    _part: PartFile
    _progress: Progress
    _disk: Disk

    async def fetch(self) -> None:
        """Fetch what is missing.

        Raises:
            PullFailed: it cannot be had, or not kept; what has come stays.

        """
        await self._get(self._part.missing())

    async def verify(self) -> None:
        """Make sure that all is as the source says, and give the file its name.

        What was damaged on the disk is found by our own digests of what we received, and only
        that is fetched again. If nothing was, it came so: then every piece is fetched again,
        and those that differ are replaced.

        Raises:
            PullFailed: it cannot be had right.

        """
        found = await self._digest()
        if found != self._file.sha256 and (damaged := await self._damaged()):
            await self._get(damaged)
            found = await self._digest()
        if found != self._file.sha256:
            await self._get(range(self._part.pieces.count))
            found = await self._digest()
        if found != self._file.sha256:
            await self._do(self._part.discard)
            raise PullFailed(
                "digest mismatch, file must be downloaded again: "
                f"want {self._file.digest}, got sha256:{found}"
            )
        await self._do(self._part.finish)

    async def _get(self, wanted: Iterable[int]) -> None:
        pieces = list(wanted)
        self._progress.begin(pieces)
        waiting = deque(runs(pieces))
        failure: PullFailed | None = None
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(min(CONNECTIONS, len(waiting))):
                    nursery.start_soon(self._work, waiting)
        except* PullFailed as failures:
            failure = first_error(failures)
        if failure is not None:
            raise failure

    async def _work(self, waiting: deque[deque[int]]) -> None:
        while waiting:
            await self._get_run(waiting.popleft())

    async def _get_run(self, run: deque[int]) -> None:
        """Fetch pieces that follow each other, in as many tries as it takes."""
        patience, came = Patience(), bytearray()
        while run:
            try:
                await self._read_on(run, came, patience)
                if run:
                    raise Interrupted("the source broke off its answer")
            except Interrupted as error:
                await patience.wait(error)

    async def _read_on(self, run: deque[int], came: bytearray, patience: Patience) -> None:
        """Take what one answer has of a run; ``came`` is what there is of its first piece."""
        pieces = self._part.pieces
        begin, end = pieces.start(run[0]) + len(came), pieces.end(run[-1])
        headers = {"Range": f"bytes={begin}-{end - 1}"}
        async with self._web.asked(self._file.url, headers) as response:
            to_skip = begin - self._first_byte(response, begin)
            async for chunk in response.aiter_raw():
                patience.renew()
                new = chunk[to_skip:]
                to_skip = max(0, to_skip - len(chunk))
                await self._take(run, came, new)
                if not run:
                    return

    async def _take(self, run: deque[int], came: bytearray, new: bytes) -> None:
        """Add what came, and keep each piece that it makes whole."""
        pieces = self._part.pieces
        new = new[: pieces.end(run[-1]) - pieces.start(run[0]) - len(came)]
        came += new
        self._progress.add(len(new))
        while run and len(came) >= (length := pieces.bytes_of([run[0]])):
            await self._do(partial(self._part.keep, run[0], bytes(came[:length])))
            del came[:length]
            run.popleft()

    def _first_byte(self, response: Response, begin: int) -> int:
        """Return where in the file an answer begins."""
        if response.status_code != 206:
            return 0  # it knows no ranges
        told = _RANGE.fullmatch(response.headers.get("content-range", ""))
        if told is None or int(told[1]) > begin:
            raise PullFailed("the source answers with another range than was asked for")
        if int(told[3]) != self._file.size:
            raise PullFailed(f"the source's file has {told[3]} bytes, not {self._file.size}")
        return int(told[1])

    async def _digest(self) -> str:
        hasher = sha256()
        for index in range(self._part.pieces.count):
            await self._do(partial(self._part.feed, hasher, index))
        return hasher.hexdigest()

    async def _damaged(self) -> list[int]:
        damaged: list[int] = []

        def look(index: int) -> None:
            if self._part.is_damaged(index):
                damaged.append(index)

        for index in range(self._part.pieces.count):
            await self._do(partial(look, index))
        return damaged

    async def _do(self, work: Callable[[], object]) -> None:
        await on_disk(self._disk, work)


async def on_disk(disk: Disk, work: Callable[[], object]) -> None:
    """Do something with files, in a thread.

    Raises:
        PullFailed: it cannot be done; the disk is full, perhaps.

    """
    try:
        await disk.do(work)
    except OSError as error:
        raise PullFailed(f"it cannot be kept: {error}") from error


@asynccontextmanager
async def open_download(
    web: Web,
    file: RemoteFile,
    path: Path,
    pieces: Pieces,
    tell: Callable[[int], object],
) -> AsyncIterator[Download]:
    """Go on with a file while the block lasts; ``tell`` hears how many bytes there are of it.

    Raises:
        PullFailed: nothing can be written.

    """
    disk, opened = Disk(), list[PartFile]()
    try:
        await on_disk(disk, lambda: opened.append(PartFile.open(path, pieces)))
        yield Download(web, file, opened[0], Progress(pieces, tell), disk)
    finally:
        # What was begun on the disk goes on to its end, and comes first.
        with trio.move_on_after(_CLOSED_WITHIN, shield=True):
            await disk.do(partial(_close, opened))


def _close(parts: Iterable[PartFile]) -> None:
    for part in parts:
        part.close()
