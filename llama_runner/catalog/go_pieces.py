"""Takes a Go template apart (Go's ``text/template``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ACTION = re.compile(r"\{\{(-?)\s*(.*?)\s*(-?)\}\}", re.DOTALL)


def pieces_of(template: str) -> Iterator[tuple[str, str]]:
    """Return the texts and actions of a template, in their order; ``-`` takes blanks away."""
    place, trims = 0, ""
    for found in _ACTION.finditer(template):
        text = template[place : found.start()]
        text = text.lstrip() if trims else text
        before, action, trims = found.groups()
        yield "text", text.rstrip() if before else text
        yield "action", action
        place = found.end()
    text = template[place:]
    yield "text", text.lstrip() if trims else text
