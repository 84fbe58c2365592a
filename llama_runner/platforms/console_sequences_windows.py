"""Control sequences on a Windows console, which heeds them only if it is told to.

https://learn.microsoft.com/windows/console/console-virtual-terminal-sequences
"""

from __future__ import annotations

import ctypes
import msvcrt
import sys
from ctypes import wintypes
from typing import TYPE_CHECKING

assert sys.platform == "win32" or not TYPE_CHECKING  # noqa: S101 - for mypy --platform

ENABLE_VIRTUAL_TERMINAL_PROCESSING = 0x0004


def allow_sequences(descriptor: int) -> bool:
    """Have the console behind a file descriptor heed them; tell whether it does."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    handle = wintypes.HANDLE(msvcrt.get_osfhandle(descriptor))
    mode = wintypes.DWORD()
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    wanted = mode.value | ENABLE_VIRTUAL_TERMINAL_PROCESSING
    return bool(kernel.SetConsoleMode(handle, wintypes.DWORD(wanted)))
