"""The scripted upstream and the load client: in C, or in Python where there is no compiler."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
from attrs import frozen

from tests.bench.process import ROOT, python_module

HERE = Path(__file__).parent
PATIENCE = 60


@frozen
class Tools:
    """How to run each of the two; ``native`` if they are the C programs."""

    upstream: tuple[str, ...]
    load: tuple[str, ...]
    native: bool

    def engine_in(self, folder: Path) -> Path:
        """Return a program for ``--engine``: the scripted upstream under llama-server's flags."""
        if len(self.upstream) == 1:
            return Path(self.upstream[0])
        if sys.platform == "win32":
            program, words = folder / "llama-server.cmd", subprocess.list2cmdline(self.upstream)
            program.write_text(f'@set "PYTHONPATH={ROOT}"\n@{words} %*\n', "utf-8")
        else:
            program, words = folder / "llama-server", shlex.join(self.upstream)
            path = shlex.quote(str(ROOT))
            program.write_text(f'#!/bin/sh\nPYTHONPATH={path} exec {words} "$@"\n', "utf-8")
        program.chmod(0o700)
        return program


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
    upstream, load = (tuple(python_module(f"tools.{name}")) for name in ("upstream", "load"))
    return Tools(upstream, load, native=False)


def _compiled(compiler: str, source: Path) -> Path | None:
    """Return the program made of ``source``; ``None`` where it cannot be made."""
    folder = platformdirs.user_cache_path("LlamaRunnerPro", appauthor=False) / "bench"
    read = [source, *sorted(HERE.glob("*.h"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()[:16]
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
