"""A fault in a configuration file: where it is and what was expected there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from attrs import frozen

Step = str | int

_PLAIN = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$-]*")


@frozen
class Problem:
    """One fault, told in words that can stand alone."""

    path: tuple[Step, ...]
    text: str

    def __str__(self) -> str:
        text = f"{render_path(self.path)}: {self.text}" if self.path else self.text
        # Half of a surrogate pair, repeated as it is, would break whoever prints this.
        return text.encode(errors="backslashreplace").decode()

    def under(self, step: Step) -> Problem:
        """Return the same problem seen from one level further out."""
        return Problem((step, *self.path), self.text)


class Refused(ValueError):
    """A document has problems, all of which are listed."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def render_path(path: tuple[Step, ...]) -> str:
    """Return a path as one would write it: ``models["qwen-2.5"].aliases[0]``."""
    text = ""
    for step in path:
        if isinstance(step, str) and _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text
