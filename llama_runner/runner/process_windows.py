"""llama-server as a Windows process.

That nothing outlives *us* is the job object's doing (``platforms.job_object``),
which every child is born into. Ending one child while we live on is done here:
the exit line, then TerminateProcess for it and for what it started. A job of
its own for each child would do that too, but would be nested in ours, and
nested jobs bring down the Wine that our tests run on.
"""

from __future__ import annotations

import ctypes
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from subprocess import PIPE
from typing import TYPE_CHECKING

import psutil
import trio

from llama_runner.runner.child import Child
from llama_runner.runner.control import open_control
from llama_runner.runner.launch import Launch
from llama_runner.runner.process_tree import descendants
from llama_runner.runner.server_process import ServerProcess

assert sys.platform == "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

logger = logging.getLogger(__name__)

ASK_WITHIN = 3.0
REAP_WITHIN = 3.0
SWEEP_WITHIN = 1.0
SWEEP_INTERVAL = 0.02

# No console window flashes up, and a Ctrl-C in our console reaches us alone: a new
# process group starts with Ctrl-C turned off
# (https://learn.microsoft.com/windows/win32/procthread/process-creation-flags).
_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP

# A missing DLL would otherwise open a box that nobody sees and wait for its OK. A
# child inherits this mode, unless CREATE_DEFAULT_ERROR_MODE says otherwise
# (https://learn.microsoft.com/windows/win32/api/errhandlingapi/nf-errhandlingapi-seterrormode).
_SEM_FAILCRITICALERRORS = 0x0001
_SEM_NOGPFAULTERRORBOX = 0x0002
_SEM_NOOPENFILEERRORBOX = 0x8000


@asynccontextmanager
async def spawn(launch: Launch) -> AsyncIterator[Child]:
    """Start a child; leave neither it nor what it started behind.

    Raises:
        OSError: the command cannot be run.
    """
    _refuse_error_boxes()
    born = time.time()
    async with open_control(launch) as control:
        # Not cancellable once it has begun, so no process is ever lost here.
        process = await trio.lowlevel.open_process(
            launch.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=launch.environment,
            creationflags=_FLAGS,
        )
        child = ServerProcess(process, control, process.wait)
        try:
            yield child
        finally:
            await _end(child, process, born)  # noqa: ASYNC102 - shields itself, rung by rung


async def _end(child: ServerProcess, process: trio.Process, born: float) -> None:
    # Taken before it is asked too: grandchildren are found through their
    # parents, and those may end with it.
    family = descendants(child.pid, born)
    try:
        with trio.move_on_after(ASK_WITHIN, shield=True):
            if child.exit_code is None and child.has_served:
                await child.ask_to_exit()
    finally:
        family += descendants(child.pid, born)
        process.kill()
        _kill(family)
        with trio.move_on_after(REAP_WITHIN, shield=True) as bound:
            await child.wait()
            await child.hang_up()
            await _sweep(child.pid, born)
        if bound.cancelled_caught:
            logger.error("process %d does not end although it was killed", child.pid)


async def _sweep(leader: int, born: float) -> None:
    """Kill what was started while we killed."""
    with trio.move_on_after(SWEEP_WITHIN):
        while family := descendants(leader, born):
            _kill(family)
            await trio.sleep(SWEEP_INTERVAL)


def _kill(family: list[psutil.Process]) -> None:
    for process in family:
        # A number that was given away meanwhile is refused: psutil knows the start time.
        with suppress(psutil.Error):
            process.kill()


def _refuse_error_boxes() -> None:
    kernel = ctypes.WinDLL("kernel32")
    kernel.SetErrorMode(
        kernel.GetErrorMode()
        | _SEM_FAILCRITICALERRORS
        | _SEM_NOGPFAULTERRORBOX
        | _SEM_NOOPENFILEERRORBOX
    )
