"""The scripted upstream and the load client: in C, or in Python where there is no compiler."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
from attrs import frozen

HERE = Path(__file__).parent
PATIENCE = 60


@frozen
class Tools:
    """How to run each of the two; ``native`` if they are the C programs."""

    upstream: tuple[str, ...]
    load: tuple[str, ...]
    native: bool


def find_tools() -> Tools:
    """Return the tools, compiled if that was not done before and can be."""
    compiler = shutil.which("cc")
    if compiler is not None:
        upstream, load = (_compiled(compiler, HERE / f"{name}.c") for name in ("upstream", "load"))
        if upstream and load:
            return Tools((str(upstream),), (str(load),), native=True)
    return python_tools()


def python_tools() -> Tools:
    """Return the tools that need no compiler."""
    python = (sys.executable, "-m")
    return Tools((*python, "tests.bench.upstream"), (*python, "tests.bench.load"), native=False)


def _compiled(compiler: str, source: Path) -> Path | None:
    """Return the program made of ``source``; ``None`` where it cannot be made."""
    folder = platformdirs.user_cache_path("LlamaRunnerPro", appauthor=False) / "bench"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    program = folder / f"{source.stem}-{digest}"
    if program.exists():
        return program
    scratch = program.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", str(source), "-o", str(scratch)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, capture_output=True, check=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return None  # not the system that it was written for
    os.replace(scratch, program)
    return program
