"""Keeps experience in a file of the state folder."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap
from pathlib import Path
from typing import Any

from attrs import field, frozen

from llama_runner.kept_file import KeptFile
from llama_runner.memory.amounts import Amounts
from llama_runner.memory.experience import Experience, Lesson, Load

FILE_NAME = "memory.json"
_FORMAT = 1


@frozen
class ExperienceFile:
    """One that cannot be read counts as empty."""

    path: Path
    _kept: KeptFile = field(init=False)

    @_kept.default
    def _kept_there(self) -> KeptFile:
        return KeptFile(self.path, _FORMAT, "what was learned of memory")

    def read(self) -> Experience:
        """Return what was learned by earlier runs."""
        return self._kept.read(_experience_of, Experience())

    def text(self, experience: Experience) -> str:
        """Return what is to be written."""
        return self._kept.text({"loads": list(starmap(_fields_of, experience.lessons))})

    def write(self, text: str) -> None:
        """Replace what is kept."""
        self._kept.write(text)


def _experience_of(stored: Mapping[str, Any]) -> Experience:
    return Experience(dict(map(_lesson_of, stored["loads"])))


def _fields_of(load: Load, lesson: Lesson) -> dict[str, Any]:
    return {
        "model": load.model,
        "build": load.build,
        "arguments": load.arguments,
        "reckoned": dict(lesson.reckoned.by_device),
        "taken": dict(lesson.taken.by_device),
    }


def _lesson_of(fields: Mapping[str, Any]) -> tuple[Load, Lesson]:
    texts = {name: str(fields[name]) for name in ("model", "build", "arguments")}
    return Load(**texts), Lesson(_amounts(fields["reckoned"]), _amounts(fields["taken"]))


def _amounts(fields: Mapping[str, Any]) -> Amounts:
    amounts = {str(device): amount for device, amount in fields.items()}
    if not all(type(amount) is int and amount >= 0 for amount in amounts.values()):
        raise ValueError("an amount of memory is no number of bytes")
    return Amounts(amounts)
