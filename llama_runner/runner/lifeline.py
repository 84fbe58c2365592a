"""The lifeline: a pipe whose end, however we come to ours, is the end of our children (POSIX).

A watcher process (``lifeline_watcher``) holds the other end. The kernel closes ours
when we end, kill -9 included; the watcher then kills whatever has not gone. It has a
session of its own, so it survives whatever kills ours. A watcher that dies is replaced
and told everything anew.

``PR_SET_PDEATHSIG`` looks simpler and is wrong here: it fires when the thread that
forked ends, and Trio forks in threads that end when idle.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from subprocess import DEVNULL
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from llama_runner.concurrency.first import first
from llama_runner.runner import lifeline_watcher

assert sys.platform != "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

logger = logging.getLogger(__name__)

# -I and -S: nothing of the user's, and small. -B: nothing is left in the package's folder.
COMMAND = (sys.executable, "-I", "-S", "-B", str(Path(lifeline_watcher.__file__)))
# What a library of the interpreter may be found by; everything else is nothing to it.
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
RESTART_PAUSE = 1.0
GONE_WITHIN = 2.0

Noting = Callable[[int, str], AbstractContextManager[None]]


@define(eq=False)
class Lifeline:
    """Our end of the pipe, and what the watcher at its other end has to know."""

    _noting: Noting
    watcher: int | None = field(default=None, init=False)
    """The number of the watcher's process, while there is one."""
    _pipe: int | None = field(default=None, init=False)
    _ids: Iterator[int] = field(factory=count, init=False)
    _told: dict[int, list[str]] = field(factory=dict, init=False)
    _tried: trio.Event = field(factory=trio.Event, init=False)
    _stuck: trio.Event = field(factory=trio.Event, init=False)
    # Its own shield: children go down their ladder first, also when we are cancelled.
    _scope: trio.CancelScope = field(factory=lambda: trio.CancelScope(shield=True), init=False)

    @contextmanager
    def holding(self, mark: str) -> Iterator[Callable[[int], None]]:
        """Have whatever bears this mark end with us, while the block lasts.

        Nothing that bears it may have been started before; call what is yielded with
        the number of the session's leader once there is one.
        """
        launch = next(self._ids)
        told = self._told[launch] = [f"expect {launch} {mark}"]
        self._tell(told)

        def born(pid: int) -> None:
            told.append(f"born {launch} {pid} {_start(pid)}")
            self._tell(told[1:])

        try:
            yield born
        finally:
            del self._told[launch]
            self._tell([f"gone {launch}"])

    async def run(self) -> None:
        """Keep a watcher until ``close``."""
        with self._scope:
            while True:
                again = trio.current_time() + RESTART_PAUSE
                try:
                    await self._run_watcher()
                    logger.error("the watcher of our children has ended; it is started anew")
                except OSError as error:
                    logger.error("the watcher of our children cannot be started: %s", error)
                self._tried.set()
                await trio.sleep_until(again)

    async def tried(self) -> None:
        """Wait until there is a watcher, or cannot be for now."""
        await self._tried.wait()

    def close(self) -> None:
        """Let go: the watcher ends what is left, which is nothing if all went well, and itself."""
        self._scope.cancel()

    async def _run_watcher(self) -> None:
        read_end, write_end = os.pipe()
        try:
            os.set_blocking(write_end, False)
            process = await _start_watcher(read_end)
        except BaseException:
            os.close(write_end)
            raise
        finally:
            os.close(read_end)
        self.watcher, self._pipe, self._stuck = process.pid, write_end, trio.Event()
        try:
            with self._noting(process.pid, "the watcher of our children"):
                for told in self._told.values():
                    self._tell(told)
                self._tried.set()
                await first(process.wait, self._stuck.wait)
                # Before the pipe is closed: one that is only stuck would take that for our end.
                process.kill()
        finally:
            self.watcher = self._pipe = None
            os.close(write_end)
            await _end(process)  # noqa: ASYNC102 - shields itself

    def _tell(self, lines: list[str]) -> None:
        if self._pipe is None:
            return
        try:
            # Short enough to be written whole or not at all.
            os.write(self._pipe, "".join(f"{line}\n" for line in lines).encode())
        except BlockingIOError:
            self._stuck.set()
        except BrokenPipeError:
            # It has ended; the next one is told everything.
            return


@asynccontextmanager
async def open_lifeline(noting: Noting) -> AsyncIterator[Lifeline]:
    """Keep a watcher over our children while the block lasts.

    ``noting`` keeps a note of the watcher's own process.
    """
    _keep_descriptors()
    lifeline = Lifeline(noting)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lifeline.run)
        try:
            await lifeline.tried()
            yield lifeline
        finally:
            lifeline.close()


def _keep_descriptors() -> None:
    """Hand down no descriptor that we were handed ourselves: children get just their pipes."""
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            if int(name) > 2:
                os.set_inheritable(int(name), False)


async def _start_watcher(stdin: int) -> trio.Process:
    # Not cancellable once it has begun, so no process is ever lost here.
    return await trio.lowlevel.open_process(
        COMMAND,
        stdin=stdin,
        stdout=DEVNULL,
        stderr=DEVNULL,
        cwd="/",
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
        start_new_session=True,
    )


async def _end(process: trio.Process) -> None:
    """See it end: it does by itself when it has nothing left to kill."""
    with trio.move_on_after(GONE_WITHIN, shield=True):
        await process.wait()
    with trio.CancelScope(shield=True):
        process.kill()
        await process.wait()


def _start(pid: int) -> int:
    found = lifeline_watcher.stat(pid)
    return found[2] if found is not None else 0
