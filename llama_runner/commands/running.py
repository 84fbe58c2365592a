"""The note that a serving program leaves for ``stop`` and ``status``.

It lies in the state folder, readable by its owner alone: its key lets the
command line in where no one else may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import asdict, frozen

from llama_runner.platforms.process import lives, start_of

FILE_NAME = "running.json"


@frozen
class Running:
    """A program that serves; ``started`` is its process's start, which tells it from a namesake."""

    pid: int
    started: float
    control_key: str
    addresses: Mapping[str, str | None]

    @property
    def lives(self) -> bool:
        """Whether that very process still runs."""
        return lives(self.pid, self.started)


@contextmanager
def noted(state: Path, control_key: str, addresses: Mapping[str, str | None]) -> Iterator[None]:
    """Keep the note in the state folder for as long as the block lasts."""
    pid = os.getpid()
    note = Running(pid, start_of(pid), control_key, dict(addresses))
    state.mkdir(parents=True, exist_ok=True)
    write_private(state / FILE_NAME, json.dumps(asdict(note)))
    try:
        yield
    finally:
        current = read_running(state)
        if current is not None and current.pid == pid:
            (state / FILE_NAME).unlink(missing_ok=True)


def read_running(state: Path) -> Running | None:
    """Return the note, if there is one that can be read and whose program lives."""
    try:
        fields = json.loads((state / FILE_NAME).read_text(encoding="utf-8"))
        running = Running(**fields)
    except (OSError, ValueError, TypeError):
        return None
    return running if running.lives else None


def write_private(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all, and that only its owner can read."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}.part")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(scratch, path)
