"""What we have started, written down for a later start to find.

Each program that uses a state folder has a file of its own there, named for its
process, that holds every child and watcher of its own: nobody else writes it. It
is replaced as a whole, so it is always whole. A program that ends properly takes its
file along; one that is left behind by a program that is gone tells of strays.

The disk may stall, so a task writes and nobody waits for it. What is not written
yet when we are killed is the lifeline's to end, or the job object's.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from operator import is_not
from pathlib import Path

import psutil
import trio
from attrs import asdict, define, field, frozen

from llama_runner.concurrency.disk import Disk
from llama_runner.concurrency.watched import Watched
from llama_runner.platforms.process import start_of
from llama_runner.platforms.replacing import replace_file

logger = logging.getLogger(__name__)

FOLDER = "children"
REMOVE_WITHIN = 1.0


@frozen(kw_only=True)
class Entry:
    """One process: enough to know it again by, also when its number is another's."""

    name: str
    """The model key of a child, for people."""
    pid: int
    started: float
    executable: str
    mark: str = ""
    """The digest of the mark that it hands down; see ``runner.mark``."""


@frozen(kw_only=True)
class Record:
    """One program's file: who it is, and what it has started."""

    owner: int
    started: float
    entries: tuple[Entry, ...] = ()


def folder_in(state: Path) -> Path:
    """Return where the files lie in a state folder."""
    return state / FOLDER


def read_record(path: Path) -> Record:
    """Return what a file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        entries = tuple(Entry(**entry) for entry in fields.pop("entries"))
        record = Record(**fields, entries=entries)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a record of children: {error!r}") from error
    return record


def write_record(path: Path, record: Record) -> None:
    """Put a file in place, whole.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(asdict(record)), encoding="utf-8")
    replace_file(scratch, path)


@define(eq=False)
class Journal:
    """Our own file, kept in step with what runs."""

    path: Path
    _record: Watched[Record]
    _disk: Disk = field(factory=Disk, init=False)

    @contextmanager
    def noting(self, pid: int, name: str, mark: str = "") -> Iterator[None]:
        """Have this process in the file while the block lasts; never waits."""
        entry = _entry(pid, name, mark)
        self._set((*self._record.value.entries, entry))
        try:
            yield
        finally:
            self._set(tuple(other for other in self._record.value.entries if other is not entry))

    async def run(self) -> None:
        """Write what changes, until cancelled."""
        while True:
            wanted = self._record.value
            try:
                await self._disk.do(partial(write_record, self.path, wanted))
            except OSError as error:
                logger.warning("%s cannot be written: %s", self.path, error)
            await self._record.wait_for(partial(is_not, wanted))

    async def remove(self) -> None:
        """Take the file along, unless something runs that must be found again."""
        if not self._record.value.entries:
            with trio.move_on_after(REMOVE_WITHIN, shield=True), suppress(OSError):
                await self._disk.do(partial(self.path.unlink, missing_ok=True))

    def _set(self, entries: tuple[Entry, ...]) -> None:
        now = self._record.value
        self._record.set(Record(owner=now.owner, started=now.started, entries=entries))


@asynccontextmanager
async def open_journal(state: Path) -> AsyncIterator[Journal]:
    """Keep our file in this state folder while the block lasts."""
    pid = os.getpid()
    started = start_of(pid)
    path = folder_in(state) / f"{pid}-{started:.0f}.json"
    journal = Journal(path, Watched(Record(owner=pid, started=started)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        try:
            yield journal
        finally:
            nursery.cancel_scope.cancel()
            await journal.remove()  # noqa: ASYNC102 - shields itself


def _entry(pid: int, name: str, mark: str) -> Entry:
    started, executable = 0.0, ""
    # It may have ended already.
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        started = process.create_time()
        executable = process.exe()
    return Entry(name=name, pid=pid, started=started, executable=executable, mark=mark)
