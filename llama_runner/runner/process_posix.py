"""llama-server as a POSIX session of its own.

A child leads a session and a process group. Its group is killed before the
leader is reaped (see ``exit_watch``), and so is whoever changed group but
stayed in the session, as wrapper scripts with job control do. Who left the
session too is found by the mark that the child handed down (see ``mark``).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from subprocess import PIPE
from typing import TYPE_CHECKING

import psutil
import trio

from llama_runner.runner.child import Child
from llama_runner.runner.control import open_control
from llama_runner.runner.launch import Launch
from llama_runner.runner.mark import bearers, digest_of
from llama_runner.runner.server_process import ServerProcess

assert sys.platform != "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

from llama_runner.runner.exit_watch import wait_exited  # noqa: E402 - not there on win32

logger = logging.getLogger(__name__)

# What loads has nothing to lose; the moment is for wrapper scripts that tidy up.
LOADING_GRACE = 0.25
ASK_WITHIN = 3.0
# A killed process still has to give back its memory, which takes the kernel a while.
REAP_WITHIN = 3.0
GONE_WITHIN = 1.0
GONE_INTERVAL = 0.005


@asynccontextmanager
async def spawn(launch: Launch) -> AsyncIterator[Child]:
    """Start a child in a session of its own; leave no member of it behind.

    Raises:
        OSError: the command cannot be run.
    """
    async with open_control(launch) as control:
        # Not cancellable once it has begun, so no process is ever lost here.
        process = await trio.lowlevel.open_process(
            launch.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=launch.environment,
            start_new_session=True,
            # Ours are closed by the kernel, in the very act of executing; closed any
            # earlier, the lifeline would not know of what is not executed yet.
            close_fds=False,
        )
        child = ServerProcess(process, control, partial(wait_exited, process.pid))
        try:
            yield child
        finally:
            await _end(child, process, digest_of(launch))  # noqa: ASYNC102 - shields itself


async def _end(child: ServerProcess, process: trio.Process, mark: str) -> None:
    try:
        # Each rung has its own bound; this one is for what none of them foresaw.
        with trio.move_on_after(ASK_WITHIN, shield=True):
            await _ask(child)
    finally:
        _kill_session(child.pid)
        with trio.move_on_after(REAP_WITHIN, shield=True) as bound:
            await child.wait()
            _kill_session(child.pid)
            await process.wait()
            await child.hang_up()
            await _session_gone(child.pid)
            await _kill_bearers(mark)
        if bound.cancelled_caught:
            logger.error("pid %d or what it started does not die although it was killed", child.pid)


async def _ask(child: ServerProcess) -> None:
    if child.exit_code is not None:
        return
    if child.has_served:
        await child.ask_to_exit()
        return
    _signal_group(child.pid, signal.SIGTERM)
    # In protocol mode SIGTERM alone waits for the reader of stdin for ever.
    await child.hang_up()
    with trio.move_on_after(LOADING_GRACE):
        await child.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    # PermissionError is macOS's answer when only zombies are left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _kill_session(leader: int) -> None:
    _signal_group(leader, signal.SIGKILL)
    for pid in _members(leader):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


async def _session_gone(leader: int) -> None:
    with trio.move_on_after(GONE_WITHIN):
        # They are not our children, so nothing tells us when they go.
        while any(_is_alive(pid) for pid in _members(leader)):  # noqa: ASYNC110 - see above
            await trio.sleep(GONE_INTERVAL)


async def _kill_bearers(mark: str) -> None:
    """Kill who left the session, and what that started meanwhile."""
    with trio.move_on_after(GONE_WITHIN):
        look = partial(bearers, mark)
        while found := await trio.to_thread.run_sync(look, abandon_on_cancel=True):
            for process in found:
                with suppress(psutil.Error):
                    process.kill()
            while any(_is_alive(process.pid) for process in found):  # noqa: ASYNC110 - as above
                await trio.sleep(GONE_INTERVAL)


def _members(leader: int) -> Iterator[int]:
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if pid > 0 and os.getsid(pid) == leader:
                yield pid


def _is_alive(pid: int) -> bool:
    # Where nobody reaps orphans (a container whose first process does not),
    # zombies stay, and they hold nothing.
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
