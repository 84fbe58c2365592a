"""llama-server's own router, which loads and stops models by itself."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from llama_runner.runner.port import free_port
from tests.bench.process import HOST

READY_WITHIN, STOP_WITHIN = 60, 10


@contextmanager
def router(command: Sequence[str], folder: Path, flags: Sequence[str]) -> Iterator[int]:
    """Serve the models of a folder, one at a time; the block gets the port.

    Raises:
        RuntimeError: this engine is no router.
    """
    port = free_port()
    asked = ["--models-dir", str(folder), "--models-max", "1", "--host", HOST, "--port", str(port)]
    with subprocess.Popen(
        [*command, *asked, *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _await_ready(process, port)
            yield port
        finally:
            process.terminate()  # upon which it stops its models; killed, it would leave them
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()


def fill(folder: Path, model: Path, names: Sequence[str]) -> None:
    """Put a model into a folder under several names."""
    folder.mkdir()
    for name in names:
        try:
            (folder / f"{name}.gguf").hardlink_to(model)
        except OSError:  # another file system
            shutil.copyfile(model, folder / f"{name}.gguf")


def _await_ready(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=1):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.02)
    raise RuntimeError("the engine does not serve as a router")
