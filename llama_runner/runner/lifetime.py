"""That nothing we start outlives us, whatever ends us: three layers over a spawner.

The lifeline (POSIX) or the job object that we were born into (Windows) ends our
children when we end; the journal lets the next start find what even those missed.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import trio

from llama_runner.runner.child import Child, Spawner
from llama_runner.runner.environment import API_KEY
from llama_runner.runner.journal import Journal, open_journal
from llama_runner.runner.launch import Launch
from llama_runner.runner.mark import digest_of
from llama_runner.runner.strays import end_strays

Holding = Callable[[str], AbstractContextManager[Callable[[int], None]]]


@asynccontextmanager
async def open_lifetime(spawn: Spawner, state: Path) -> AsyncIterator[Spawner]:
    """End the strays of earlier runs; yield a spawner whose children cannot outlive us."""
    await trio.to_thread.run_sync(end_strays, state)
    async with open_journal(state) as journal, _open_hold(journal) as holding:
        yield partial(_spawn, spawn, journal, holding)


@asynccontextmanager
async def _open_hold(journal: Journal) -> AsyncIterator[Holding]:
    if sys.platform == "win32":
        yield _held_by_the_job
    else:
        from llama_runner.runner.lifeline import open_lifeline

        async with open_lifeline(journal.noting) as lifeline:
            yield lifeline.holding


@contextmanager
def _held_by_the_job(_mark: str) -> Iterator[Callable[[int], None]]:
    yield lambda _pid: None


@asynccontextmanager
async def _spawn(
    spawn: Spawner, journal: Journal, holding: Holding, launch: Launch
) -> AsyncIterator[Child]:
    key = launch.environment.get(API_KEY, "")
    with holding(f"{API_KEY}={key}" if key else "") as born:
        async with spawn(launch) as child:
            born(child.pid)
            with journal.noting(child.pid, launch.name, digest_of(launch)):
                yield child
