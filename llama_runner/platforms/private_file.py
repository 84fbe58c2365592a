"""Files that only their owner can read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from llama_runner.platforms.replacing import replace_file


def write_private(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all, and that only its owner can read.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        replace_file(scratch, path)
    except OSError:
        with suppress(OSError):
            scratch.unlink()
        raise


def make_private(path: Path) -> None:
    """Let only its owner read a file that another program has written.

    Raises:
        OSError: it is not there.
    """
    path.chmod(0o600)
