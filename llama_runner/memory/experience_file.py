"""Keeps experience in a file of the state folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from llama_runner.memory.amounts import Amounts
from llama_runner.memory.experience import Experience, Lesson, Load
from llama_runner.platforms.private_file import write_private

logger = logging.getLogger(__name__)

FILE_NAME = "memory.json"
_FORMAT = 1


@frozen
class ExperienceFile:
    """It is never worth an error: one that cannot be read counts as empty, with a warning."""

    path: Path

    def read(self) -> Experience:
        """Return what was learned by earlier runs."""
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["format"] != _FORMAT:
                return Experience()
            return Experience(dict(map(_lesson_of, stored["loads"])))
        except FileNotFoundError:
            return Experience()
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            logger.warning("what was learned of memory in %s is ignored: %r", self.path, error)
            return Experience()

    def write(self, experience: Experience) -> None:
        """Replace what is kept."""
        loads = [_fields_of(load, lesson) for load, lesson in experience.lessons]
        try:
            write_private(self.path, json.dumps({"format": _FORMAT, "loads": loads}))
        except OSError as error:
            logger.warning("what was learned of memory cannot be kept: %s", error)


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
