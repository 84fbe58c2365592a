"""What is done to a child: it is ended, stopped, or only the thread that decodes is stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import psutil
import trio

assert sys.platform != "win32"  # for mypy --platform

KILL, STOP, HANG = "SIGKILL", "SIGSTOP", "hang"

# linux/ptrace.h; unlike a signal these stop one thread alone.
_SEIZE, _INTERRUPT = 0x4206, 0x4207
# linux/wait.h
_ALL_THREADS = 0x40000000


def harms(*, embedded: bool) -> tuple[str, ...]:
    """Return what can be done here: llama-server decodes in its main thread, ours does not."""
    return (KILL, STOP) if embedded or sys.platform != "linux" else (KILL, STOP, HANG)


@asynccontextmanager
async def harmed(process: psutil.Process, harm: str) -> AsyncIterator[None]:
    """Do harm to a process; the block is left once somebody has ended it."""
    if harm == HANG:
        _trace(_SEIZE, process.pid)
        _trace(_INTERRUPT, process.pid)
    else:
        process.send_signal(signal.Signals[harm])
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_await_end, process, harm)
            yield
    except BaseException:
        with suppress(psutil.Error):
            process.kill()
        raise


def _trace(request: int, pid: int) -> None:
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes, ptrace.restype = (ctypes.c_long,) * 4, ctypes.c_long
    if ptrace(request, pid, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def _await_end(process: psutil.Process, harm: str) -> None:
    ended = partial(_reaped, process.pid) if harm == HANG else partial(is_gone, process)
    while not ended():  # noqa: ASYNC110 - nobody tells us: it is not our child
        await trio.sleep(0.01)


def _reaped(pid: int) -> bool:
    """Take note of its end, if it has come: until its tracer has, nobody else is told of it."""
    found, status = os.waitpid(pid, os.WNOHANG | _ALL_THREADS)
    return bool(found) and not os.WIFSTOPPED(status)


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended, reaped or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
