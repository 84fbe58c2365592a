"""The spawner of the operating system we run on."""

from __future__ import annotations

import sys

from llama_runner.runner.child import Spawner


def system_spawner() -> Spawner:
    """Return the way to start children here."""
    if sys.platform == "win32":
        from llama_runner.runner.process_windows import spawn
    else:
        from llama_runner.runner.process_posix import spawn
    return spawn
