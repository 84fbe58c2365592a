"""The embedding model of the Windows tests, which is written before they begin."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

EMBEDDER = "LLAMA_RUNNER_TEST_EMBEDDER"
"""The variable that tells where it lies."""


def place_embedder(path: Path) -> None:
    """Copy it to a path, with the folders that needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(os.environ[EMBEDDER], path)
