"""Putting a whole file in another one's place."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

TRIES = 25
PAUSE = 0.02


def replace_file(scratch: Path, path: Path) -> None:
    """Give ``scratch`` the name ``path``, whether or not there is such a file.

    Windows refuses that while anybody has the old file open, be it for the moment
    that a virus scanner or a reader of ours takes: there it is tried for half a second.

    Raises:
        OSError: it cannot be done.
    """
    for _ in range(TRIES if sys.platform == "win32" else 0):
        try:
            os.replace(scratch, path)
        except PermissionError:
            threading.Event().wait(PAUSE)
        else:
            return
    os.replace(scratch, path)
