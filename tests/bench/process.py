"""Runs what is measured, and reads what it costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
STOP_WITHIN = 10


@frozen
class Served:
    """Something that serves on a port; ``process`` if it is one whose cost can be read."""

    host: str
    port: int
    path: str
    model: str
    process: psutil.Process | None = None


@contextmanager
def served(command: Sequence[str], model: str) -> Iterator[Served]:
    """Run a program that prints its port, until the block is left."""
    with running(command) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(command)} did not start")
        path = "/v1/chat/completions"
        yield Served("127.0.0.1", int(line), path, model, psutil.Process(process.pid))


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
