"""The mark that tells what a launch has started from everything else that runs.

It is the launch's key, which a child has in its environment and hands down to
whatever it starts: also to a process that leaves its group and its session. A
process that is given a clean environment and a session of its own, and whose
parent has ended, is past telling.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256

import psutil

from llama_runner.runner.environment import API_KEY
from llama_runner.runner.launch import Launch


def digest_of(launch: Launch) -> str:
    """Return what the mark can be told by; it does not give the key away."""
    return _digest(launch.environment.get(API_KEY, ""))


def bears(process: psutil.Process, digest: str) -> bool:
    """Report whether a process has the mark with this digest; no if it may not be looked at."""
    if not digest:
        return False
    with suppress(psutil.Error, OSError, ValueError):
        return _digest(process.environ().get(API_KEY, "")) == digest
    return False


def bearers(digest: str, known: Collection[int] = ()) -> list[psutil.Process]:
    """Return every other process that runs and has the mark; ``known`` ones are left out.

    Reading an environment waits for a process that is busy with its memory:
    call it in a thread.
    """
    if not digest:
        return []
    left_out = {os.getpid(), *known}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in left_out and bears(process, digest)
    ]


def _digest(key: str) -> str:
    return sha256(key.encode(errors="surrogateescape")).hexdigest() if key else ""
