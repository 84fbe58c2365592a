"""Text on a console: any character may be written, and control sequences where it heeds them."""

from __future__ import annotations

import os
import sys
from typing import TextIO

DIM = "\x1b[2m"
PLAIN = "\x1b[0m"
CLEARED = "\r\x1b[K"


def ready_streams() -> None:
    """Have stdin, stdout and stderr take UTF-8, also where a file or a pipe is behind them.

    A Windows console takes every character by itself; what else is there
    would be written in the code page of the system, which lacks most of them.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def is_terminal(stream: TextIO) -> bool:
    """Tell whether somebody looks at this stream, or types into it."""
    return not stream.closed and stream.isatty()


def heeds_sequences(stream: TextIO) -> bool:
    """Tell whether control sequences do something there, and are not only seen."""
    if not is_terminal(stream) or os.environ.get("TERM") == "dumb":
        return False
    if sys.platform == "win32":
        from llama_runner.platforms.console_sequences_windows import allow_sequences

        return allow_sequences(stream.fileno())
    return True


def allow_editing() -> None:
    """Let lines be edited and called back as they are typed, where a module is needed for it."""
    if sys.platform != "win32":
        from contextlib import suppress

        with suppress(ImportError):
            import readline  # noqa: F401 - input() uses it once it is there


def silence(stream: TextIO) -> None:
    """Write what is left in a stream nowhere: who read it has left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
