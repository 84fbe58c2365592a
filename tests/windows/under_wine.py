"""Lets Trio open sockets under Wine 8; everywhere else it does nothing.

Trio asks Windows three ways for a socket's base handle, of which Wine knows
one, SIO_BASE_HANDLE, and that one is all that Trio needs. Installed beside the
packages of the Windows Python and imported at its every start, so it must cost
nothing: it waits for Trio instead of importing it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

MODULE = "trio._core._io_windows"


def _is_wine() -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    return hasattr(ctypes.windll.ntdll, "wine_get_version")


class _Finder:
    """Finds one module as usual, and has it changed once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != MODULE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None and spec.loader is not None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            _change(module)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec


def _change(module: ModuleType) -> None:
    ask: Any = module.__dict__["_get_underlying_socket"]

    def ask_for_base_handle(sock: object, *, which: object = None) -> object:
        return ask(sock)

    module.__dict__["_get_underlying_socket"] = ask_for_base_handle


if _is_wine():
    sys.meta_path.insert(0, _Finder())
