"""Keeps what models have read of prompts on disk while they are not loaded."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from secrets import token_hex

from attrs import define, field

from llama_runner.archive.entry import Entry
from llama_runner.archive.index import Index
from llama_runner.archive.index_file import FILE_NAME, IndexFile
from llama_runner.archive.verdict import Pace, Proven, Refuted, Unknown, Verdict
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.concurrency.disk import Disk
from llama_runner.config.slot_archive import SlotArchiveConfig
from llama_runner.errors import LlamaRunnerError
from llama_runner.events.exchange import Exchange
from llama_runner.lending.identity import prompt_identity
from llama_runner.lending.tasks import tasks_of
from llama_runner.platforms.private_file import make_private
from llama_runner.platforms.private_folder import make_private_folder
from llama_runner.runner.engine import Engine
from llama_runner.runner.launch import Launch
from llama_runner.runner.slot_files import SlotFiles, open_slot_files

logger = logging.getLogger(__name__)

FOLDER = "slots"
SUFFIX = ".bin"
LEAST_FREE = 1024**3
"""Bytes that stay free on the disk."""
TELLING = 256
"""Tokens of which on a reading tells how fast prompts are read."""

TRIES = 3
"""How often a probe may be broken off until the next start of the program."""

OpenSlotFiles = Callable[[Launch], AbstractAsyncContextManager[SlotFiles]]


@define(eq=False)
class SlotArchive:
    """Knows for each model whether its slots are saved, what is saved, and what it is worth.

    ``lending.slot_keeping`` does the saving and restoring, one runner at a time.
    """

    settings: SlotArchiveConfig
    _engine: Engine
    folder: Path
    open: OpenSlotFiles = open_slot_files
    index: Index = field(init=False)
    _file: IndexFile = field(init=False)
    _identities: dict[str, str] = field(factory=dict, init=False)
    _described: dict[str, str] = field(factory=dict, init=False)
    """The identities of models as they were launched last, or first looked at."""
    _unusable: str = field(default="", init=False)
    _private: set[str] = field(factory=set, init=False)
    """The files that only we may read by now; the engine writes them for everybody."""
    _disk: Disk = field(factory=Disk, init=False)

    def __attrs_post_init__(self) -> None:
        self._file = IndexFile(self.folder / FILE_NAME)
        self.index = Index(self.settings.max_bytes)
        if self.settings.enabled:
            self._unusable = self._prepared()
        if self.settings.enabled and not self._unusable:
            self.index = self._file.read(self.settings.max_bytes)
        self._clean()

    def folder_for(self, model: CatalogModel) -> Path | None:
        """Return where a child that is launched now saves its slots; None if it is not to."""
        identity = self._described[model.key] = prompt_identity(model, self._engine)
        if self._why_not(model, identity):
            self._identities.pop(model.key, None)
            return None
        self._identities[model.key] = identity
        return self.folder

    def identity(self, key: str) -> str | None:
        """Return under which name the slots of a launched model are saved; None: they are not."""
        return self._identities.get(key)

    def described(self, model: CatalogModel) -> tuple[str, str]:
        """Return what is to be told of a model: on, off or untried, and why.

        Its files are not looked at again before its next launch.
        """
        identity = self._described.get(model.key)
        if identity is None:
            try:
                identity = self._described[model.key] = prompt_identity(model, self._engine)
            except LlamaRunnerError as error:  # it cannot be launched at all
                return "off", str(error)
        if reason := self._why_not(model, identity):
            return "off", reason
        if isinstance(self.index.verdict(identity), Proven):
            return "on", ""
        return "untried", "it is tried when the model is next unloaded, and loaded again"

    def note(self, exchange: Exchange) -> None:
        """Learn from an answer how fast prompts are read."""
        usage = exchange.usage
        if usage is None or usage.prompt_tokens - usage.cached_tokens < TELLING:
            return
        identity = self._identities.get(exchange.model, "")
        verdict = self.index.verdict(identity)
        if isinstance(verdict, Proven) and usage.prompt_ms:
            read = usage.prompt_tokens - usage.cached_tokens
            reading = Pace(read, usage.prompt_ms / 1000)
            self.index.judge(identity, verdict.noting(reading=reading))

    def new_file(self) -> str:
        """Return a name for a file; it tells nothing."""
        return token_hex(16) + SUFFIX

    def has_room(self) -> bool:
        """Tell whether the disk has room for more."""
        try:
            return shutil.disk_usage(self.folder).free > LEAST_FREE
        except OSError:
            return False

    async def judge(self, key: str, identity: str, verdict: Verdict) -> None:
        """Note what is known of a model now, and tell it."""
        if isinstance(verdict, Refuted):
            logger.warning("%s: its prompts do not outlive a stop: %s", key, verdict.reason)
        elif isinstance(verdict, Proven):
            logger.info("%s: its prompts outlive a stop with this engine", key)
        await self.keep(self.index.judge(identity, verdict))

    async def add(self, entry: Entry) -> None:
        """Note what was saved."""
        await self.keep(self.index.add(entry))

    async def drop(self, entry: Entry) -> None:
        """Forget what was saved."""
        await self.keep(self.index.drop(entry))

    async def keep(self, gone: set[str]) -> None:
        """Write the index down, and remove files that are of no use any more."""
        text, new = self._file.text(self.index), self.index.files - self._private
        self._private |= new

        def change() -> None:
            for name in new:
                with suppress(OSError):
                    make_private(self.folder / name)
            self._file.write(text)
            for name in gone:
                with suppress(OSError):
                    (self.folder / name).unlink()

        await self._disk.keep(change)

    def _why_not(self, model: CatalogModel, identity: str) -> str:
        if not self.settings.enabled:
            return "slot_archive.enabled of app_config.json is false"
        if not model.config.slot_archive:
            return "slot_archive of the model's entry is false"
        if not any(task.generates for task in tasks_of(model)):
            return "the model does not generate text"
        match self.index.verdict(identity):
            case Refuted(reason):
                return reason
            case Unknown(tries) if tries >= TRIES:
                return "it was tried too often, and its probe never came to an end"
        return self._unusable

    def _prepared(self) -> str:
        """Make the folder; return why it cannot be used."""
        if sys.platform == "win32" and not str(self.folder).isascii():
            # The engine's own check of the folder fails there, and it would not start at all.
            return "the state folder's path has characters that the engine cannot read"
        try:
            make_private_folder(self.folder)
        except OSError as error:
            return f"the folder for saved slots cannot be used: {error}"
        return ""

    def _clean(self) -> None:
        """Remove what no index tells of, all of it where nothing is to be kept."""
        found = {path.name for path in self.folder.glob("*" + SUFFIX)}
        self.index.keep(found)
        for name in found - self.index.files:
            with suppress(OSError):
                (self.folder / name).unlink()
        if not self.settings.enabled:
            with suppress(OSError):
                (self.folder / FILE_NAME).unlink()
