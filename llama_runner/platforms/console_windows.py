"""Closing the window, logging off and shutting down, as a Windows console program hears it.

Windows calls a handler in a thread that it makes for it, and ends the process
when the handler returns, or when its patience does: 5 s
(https://learn.microsoft.com/windows/console/handlerroutine). So ours returns only
once the program has stopped. Python alone takes these events for CTRL_BREAK,
and returns at once: nothing would be left of the time to stop in.

Handlers are called last registered first, so ours comes before Python's.
Ctrl-C and CTRL_BREAK end nothing and go on to Python, which makes signals of them.

Standard library only: the bootstrap uses it before anything is installed.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import wintypes
from typing import TYPE_CHECKING

assert sys.platform == "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

CTRL_C_EVENT = 0
CTRL_BREAK_EVENT = 1
CTRL_CLOSE_EVENT = 2
CTRL_LOGOFF_EVENT = 5
CTRL_SHUTDOWN_EVENT = 6

ENDS_US = frozenset({CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT})

# Windows waits 5 s, or 20 s for a service; whatever it allows, we do not cut it short.
STOPPED_WITHIN = 30.0

_Handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)


@contextmanager
def hold_console(on_close: Callable[[], None]) -> Iterator[None]:
    """Call ``on_close`` when Windows is about to end us, and have it wait for the block's end."""
    left = threading.Event()
    handler = _Handler(handler_for(on_close, left))
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.SetConsoleCtrlHandler.argtypes = (_Handler, wintypes.BOOL)
    kernel.SetConsoleCtrlHandler.restype = wintypes.BOOL
    if not kernel.SetConsoleCtrlHandler(handler, wintypes.BOOL(1)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        yield
    finally:
        left.set()
        kernel.SetConsoleCtrlHandler(handler, wintypes.BOOL(0))


def handler_for(on_close: Callable[[], None], left: threading.Event) -> Callable[[int], bool]:
    """Return what Windows calls with the number of an event."""

    def handle(event: int) -> bool:
        if event not in ENDS_US:
            return False
        on_close()
        left.wait(STOPPED_WITHIN)
        return True

    return handle
