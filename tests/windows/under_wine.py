"""Makes up for what Trio and psutil miss under Wine 8; everywhere else it does nothing.

Trio asks Windows three ways for a socket's base handle, of which Wine knows one,
SIO_BASE_HANDLE, and that one is all that Trio needs. psutil asks the kernel for a
process's executable; Wine answers the older QueryFullProcessImageName.

Installed beside the packages of the Windows Python and imported at its every
start, so it must cost nothing: it waits for both instead of importing them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MAY_BE_ASKED = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
LONGEST_PATH = 32768


def _is_wine() -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    return hasattr(ctypes.windll.ntdll, "wine_get_version")


class _Finder:
    """Finds a few modules as usual, and has each changed once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        change = CHANGES.get(name)
        if change is None:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            change(module)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


def _change_trio(module: ModuleType) -> None:
    ask: Any = module.__dict__["_get_underlying_socket"]

    def ask_for_base_handle(sock: object, *, which: object = None) -> object:
        return ask(sock)

    module.__dict__["_get_underlying_socket"] = ask_for_base_handle


def _change_psutil(module: ModuleType) -> None:
    module.__dict__["cext"].proc_exe = _executable


def _executable(pid: int) -> str:
    import ctypes
    from ctypes import wintypes

    kernel: Any = ctypes.__dict__["WinDLL"]("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    process = wintypes.HANDLE(kernel.OpenProcess(MAY_BE_ASKED, 0, pid))
    path, length = ctypes.create_unicode_buffer(LONGEST_PATH), wintypes.DWORD(LONGEST_PATH)
    told = process and kernel.QueryFullProcessImageNameW(process, 0, path, ctypes.byref(length))
    error = ctypes.__dict__["get_last_error"]()
    if process:
        kernel.CloseHandle(process)
    if not told:
        raise ctypes.__dict__["WinError"](error)
    return path.value


CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "psutil._pswindows": _change_psutil,
    "trio._core._io_windows": _change_trio,
}

if _is_wine():
    sys.meta_path.insert(0, _Finder())
