"""Fetches one model: its manifest, its files, and what becomes of them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from weakref import WeakValueDictionary

import trio
from attrs import define, field

from llama_runner.concurrency.disk import Disk
from llama_runner.errors import PullFailed
from llama_runner.store.download import Download, on_disk, open_download
from llama_runner.store.part_file import bytes_left
from llama_runner.store.pieces import Pieces
from llama_runner.store.pull_log import PullLog
from llama_runner.store.pull_name import PullName
from llama_runner.store.remote_model import (
    PulledFile,
    PulledModel,
    RemoteModel,
    RemotePart,
    Source,
)
from llama_runner.store.shelf import Shelf
from llama_runner.store.sources import OpenSources
from llama_runner.store.web import SourceRefused

Adopt = Callable[[PulledModel], Awaitable[None]]
"""Makes a model of the store of what has come; raises StoreFailed if that cannot be done."""


@define(eq=False)
class Puller:
    """Fetches models, each file under its digest, and has them adopted.

    What a model of the shelf has already is not fetched again.
    """

    _shelf: Shelf
    _sources: OpenSources
    _adopt: Adopt
    _piece: int
    _locks: WeakValueDictionary[str, trio.Lock] = field(factory=WeakValueDictionary, init=False)

    @property
    def folder(self) -> Path:
        """Where files lie until they are adopted."""
        return self._shelf.blobs

    async def pull(self, name: PullName, log: PullLog, *, insecure: bool) -> None:
        """Fetch a model, and tell the steps as Ollama does.

        Raises:
            PullFailed: it cannot be fetched or kept; what has come stays for the next try.

        """
        log.say("pulling manifest")
        async with self._sources(name, insecure=insecure) as sources:
            try:
                source, model = await sources.find()
            except PullFailed as error:
                raise type(error)(*_prefixed(error)) from error
            async with self._held(model):
                try:
                    await self._fetch(source, model, log)
                except SourceRefused as error:
                    raise source.explained(error) from error
                log.say("writing manifest")
                await self._adopt(await self._pulled(name, model))
        log.say("success")

    async def _fetch(self, source: Source, model: RemoteModel, log: PullLog) -> None:
        await self._check_space(model.parts)
        for part in model.parts:
            async with self._download(source, part, log) as download:
                if download is not None:
                    await download.fetch()
        log.say("verifying sha256 digest")
        for part in model.parts:
            async with self._download(source, part, None) as download:
                if download is not None:
                    await download.fetch()
                    await download.verify()

    @asynccontextmanager
    async def _download(
        self, source: Source, part: RemotePart, log: PullLog | None
    ) -> AsyncIterator[Download | None]:
        """Open the download of a file; None if the file is here already."""
        file, path = part.file, self.folder / part.file.stored_as

        def tell(completed: int) -> None:
            if log is not None:
                log.come(file.digest, file.size, completed)

        pieces = Pieces(file.size, self._piece)
        if await trio.to_thread.run_sync(partial(_is_here, path, file.size)):
            tell(file.size)
            yield None
            return
        async with open_download(source.web, file, path, pieces, tell) as download:
            yield download

    async def _check_space(self, parts: Sequence[RemotePart]) -> None:
        """Make sure that all of it fits the disk, as far as it is not there yet."""
        await on_disk(Disk(), partial(self._look_at_space, parts))

    def _look_at_space(self, parts: Sequence[RemotePart]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        files = {part.file for part in parts}
        for file in files:
            self._shelf.recover(file.sha256, file.size)
        needed = sum(
            bytes_left(self.folder / file.stored_as, Pieces(file.size, self._piece))
            for file in files
        )
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise PullFailed(
                f"not enough disk space in {self.folder}: "
                f"{needed} bytes are needed, {free} are free"
            )

    @asynccontextmanager
    async def _held(self, model: RemoteModel) -> AsyncIterator[None]:
        """Keep other pulls from the same files; in one order, so that no two wait mutually."""
        async with AsyncExitStack() as held:
            for name in sorted({part.file.stored_as for part in model.parts}):
                lock = self._locks.get(name)
                if lock is None:
                    self._locks[name] = lock = trio.Lock()
                await held.enter_async_context(lock)
            yield

    async def _pulled(self, name: PullName, model: RemoteModel) -> PulledModel:
        texts = dict(model.texts)
        files = []
        for part in model.parts:
            path = self.folder / part.file.stored_as
            if part.role.is_text:
                text = await trio.to_thread.run_sync(partial(_text_of, path))
                texts[part.role] = (*texts.get(part.role, ()), text)
            else:
                file = part.file
                files.append(PulledFile(part.role, part.name, path, file.size, file.sha256))
        return PulledModel(name.short, tuple(files), texts)


def _is_here(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _text_of(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def _prefixed(error: PullFailed) -> tuple[object, ...]:
    """Return an error's arguments, its text as Ollama has it where a manifest was asked for."""
    text = f"pull model manifest: {error}"
    if isinstance(error, SourceRefused):
        return text, error.answer, error.headers
    return (text,)
