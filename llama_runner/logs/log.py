"""The program's log, open while a block lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

import trio

from llama_runner.concurrency.groups import sole_error
from llama_runner.config.logs import LoggingConfig
from llama_runner.logs.backlog import ROOM, Backlog
from llama_runner.logs.console import Console
from llama_runner.logs.drain import Drain, Sink
from llama_runner.logs.handler import BacklogHandler, installed
from llama_runner.logs.rotating_file import RotatingFile
from llama_runner.logs.thread_sink import ThreadSink

FLUSH_WITHIN = 1.0
"""Seconds that the last lines may take when the log closes."""


@asynccontextmanager
async def open_log(config: LoggingConfig, folder: Path, console: TextIO) -> AsyncIterator[None]:
    """Write all log lines to the console and to files in ``folder`` while the block lasts.

    Leaving it writes what still waits, for at most ``FLUSH_WITHIN`` seconds
    and even when cancelled: the last lines tell why.
    """
    files = RotatingFile(folder, config.max_file_bytes, config.max_files)
    sinks = (
        ThreadSink(str(folder), files.write),
        ThreadSink("the console", Console(console).write),
    )
    async with open_drains(sinks) as handler:
        with installed(handler, config.level):
            yield


@asynccontextmanager
async def open_drains(sinks: Sequence[Sink], room: int = ROOM) -> AsyncIterator[BacklogHandler]:
    """Open the nursery that drains to each sink by itself what the handler is given."""
    backlogs = [Backlog(room) for _ in sinks]
    # Each task's own shield, not the nursery's: the block is as cancellable as without a log.
    scopes = [trio.CancelScope(shield=True) for _ in sinks]
    with sole_error():
        async with trio.open_nursery() as nursery:
            for backlog, sink, scope in zip(backlogs, sinks, scopes, strict=True):
                nursery.start_soon(_run, Drain(backlog, sink), scope, name=f"log to {sink.name}")
            try:
                yield BacklogHandler(backlogs)
            finally:
                for backlog, scope in zip(backlogs, scopes, strict=True):
                    backlog.close()
                    scope.deadline = trio.current_time() + FLUSH_WITHIN


async def _run(drain: Drain, scope: trio.CancelScope) -> None:
    with scope:
        await drain.run()
