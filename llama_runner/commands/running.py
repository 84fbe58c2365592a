"""The note by which a program holds its state folder, and ``stop`` and ``status`` find it.

It is readable by its owner alone: its key lets the command line in where no
one else may. The note of a program that is gone holds nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import asdict, frozen

from llama_runner.errors import ConfigError
from llama_runner.platforms.private_file import write_private
from llama_runner.platforms.process import lives, start_of

FILE_NAME = "running.json"


@frozen
class Running:
    """A program that runs; ``started`` is its process's start, which tells it from a namesake.

    It has no ``addresses`` until it serves.
    """

    pid: int
    started: float
    control_key: str
    addresses: Mapping[str, str | None]

    @property
    def lives(self) -> bool:
        """Whether that very process still runs."""
        return lives(self.pid, self.started)


@frozen
class Claim:
    """A state folder that is ours, and the key by which the command line is let in."""

    state: Path
    control_key: str

    def note(self, addresses: Mapping[str, str | None]) -> None:
        """Write down where we serve."""
        pid = os.getpid()
        running = Running(pid, start_of(pid), self.control_key, dict(addresses))
        write_private(self.state / FILE_NAME, json.dumps(asdict(running)))


@contextmanager
def claimed(state: Path, control_key: str) -> Iterator[Claim]:
    """Hold the state folder for as long as the block lasts.

    Raises:
        ConfigError: another program holds it, or it cannot be written to.

    """
    holder = read_running(state)
    if holder is not None:
        raise ConfigError("the state folder", (_held(state, holder),))
    claim = Claim(state, control_key)
    try:
        state.mkdir(parents=True, exist_ok=True)
        claim.note({})
    except OSError as error:
        raise ConfigError("the state folder", (f"{state}: {error}",)) from error
    try:
        yield claim
    finally:
        current = read_running(state)
        if current is not None and current.pid == os.getpid():
            (state / FILE_NAME).unlink(missing_ok=True)


def _held(state: Path, holder: Running) -> str:
    where = ", ".join(filter(None, holder.addresses.values())) or "is not serving yet"
    return (
        f"{state} is held by process {holder.pid} ({where}); "
        "stop it, or name another folder with --state-dir"
    )


def read_running(state: Path) -> Running | None:
    """Return the note, if there is one that can be read and whose program lives."""
    try:
        fields = json.loads((state / FILE_NAME).read_text(encoding="utf-8"))
        running = Running(**fields)
    except (OSError, ValueError, TypeError):
        return None
    return running if running.lives else None
