"""What the system asks of a program whose console goes away."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


def console_held(on_close: Callable[[], None]) -> AbstractContextManager[None]:
    """Call ``on_close``, in a thread of the system's, when the console is closed.

    Where the system ends a program as soon as it has been told, that is put
    off until the block is left. Elsewhere this does nothing: a signal tells.
    """
    if sys.platform == "win32":
        from llama_runner.platforms.console_windows import hold_console

        return hold_console(on_close)
    return nullcontext()
