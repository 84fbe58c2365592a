"""Runs what is measured, and reads what it costs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from attrs import field, frozen

ROOT = Path(__file__).resolve().parents[2]
HOST, CHAT = "127.0.0.1", "/v1/chat/completions"
STOP_WITHIN = 10
CALM_WITHIN, CALM_FOR = 3.0, 0.03


@frozen
class Served:
    """Something that serves on a port; ``process`` if it is one whose cost can be read."""

    host: str
    port: int
    path: str
    model: str
    process: psutil.Process | None = None
    key: str = field(default="", repr=False)
    upstream: Served | None = None
    """What it hands requests on to; nothing if it answers them itself."""


@contextmanager
def served(command: Sequence[str], model: str, upstream: Served | None = None) -> Iterator[Served]:
    """Run a program that prints its port, until the block is left."""
    with running(command) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(command)} did not start")
        measured = psutil.Process(process.pid)
        yield Served(HOST, int(line), CHAT, model, measured, upstream=upstream)


@contextmanager
def running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a program that ends when its standard input does, until the block is left."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # An unfinished answer is what the yardstick complains about.
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()


def python_module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this folder."""
    return [sys.executable, "-m", f"tests.bench.{name}", *arguments]


def allow_many_files() -> None:
    """Let us, and all that we start, have as many open files as the system allows."""
    if sys.platform != "win32":  # where there is no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def processor_time(process: psutil.Process) -> float:
    """Return the seconds of processor time that a process has used so far."""
    threads = Path(f"/proc/{process.pid}/task")
    try:
        # In nanoseconds, where the system keeps it; psutil's are a hundred times a second.
        return sum(
            int((thread / "schedstat").read_text("ascii").split()[0]) / 1e9
            for thread in threads.iterdir()
        )
    except OSError:
        times = process.cpu_times()
        return float(times.user + times.system)


def calm_down(process: psutil.Process) -> None:
    """Wait until a process has next to nothing to do any more, but not for ever."""
    end = time.monotonic() + CALM_WITHIN
    while time.monotonic() < end:
        before = processor_time(process)
        time.sleep(CALM_FOR)
        if processor_time(process) - before < CALM_FOR / 20:
            return


def resident_bytes(process: psutil.Process) -> int:
    """Return the memory that a process has in RAM."""
    return int(process.memory_info().rss)


def owner_of(port: int) -> psutil.Process | None:
    """Return the process that listens on ``port``, where the system tells."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
                return psutil.Process(connection.pid) if connection.pid else None
    except psutil.Error:
        return None
    return None
