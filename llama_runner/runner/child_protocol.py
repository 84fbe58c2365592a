"""What llama-server says of itself on stdout, and hears on stdin, as a router's child.

Undocumented: seen in builds b10605 and b11434. Lines are plain text, so
whatever does not follow the form is handed back as ordinary output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeAlias

from attrs import field, frozen

from llama_runner.runner.line_blocks import LineBlocks

EXIT_LINE = b"cmd_router_to_child:exit\n"
_STATE = b"cmd_child_to_router:state:"


@frozen
class ChildLoading:
    """The child loads; ``progress`` runs from 0 to 1 over all its stages."""

    progress: float | None


@frozen
class ChildReady:
    """The child serves; ``meta`` describes its model."""

    meta: Mapping[str, object]


@frozen
class ChildSleeping:
    """The child has freed its model and loads it again when asked."""


Message: TypeAlias = ChildLoading | ChildReady | ChildSleeping


@frozen
class Heard:
    """What one piece of stdout held."""

    messages: tuple[Message, ...] = ()
    plain: bytes = b""
    """All other lines, whole."""


@frozen
class MessageReader:
    """Finds the messages in stdout, however its bytes are cut."""

    _lines: LineBlocks = field(factory=LineBlocks)

    def feed(self, chunk: bytes) -> Heard:
        """Take the next bytes; return what they complete."""
        return _sort(self._lines.feed(chunk))

    def end(self) -> Heard:
        """Return what the last, unfinished line holds."""
        return _sort(self._lines.end())


def _sort(block: bytes) -> Heard:
    # Looking for the mark in the whole block first keeps a child that floods
    # its stdout cheap.
    if _STATE not in block:
        return Heard(plain=block)
    messages, plain = [], []
    for line in block.splitlines(keepends=True):
        message = _decode(line)
        if message is None:
            plain.append(line)
        else:
            messages.append(message)
    return Heard(tuple(messages), b"".join(plain))


def _decode(line: bytes) -> Message | None:
    if not line.startswith(_STATE):
        return None
    try:
        said = json.loads(line[len(_STATE) :])
    except ValueError:
        return None
    payload = said.get("payload") if isinstance(said, dict) else None
    details = payload if isinstance(payload, dict) else {}
    match said:
        case {"state": "loading"}:
            return ChildLoading(_progress(details))
        case {"state": "ready"}:
            return ChildReady(details)
        case {"state": "sleeping"}:
            return ChildSleeping()
        case _:
            return None


def _progress(payload: Mapping[str, object]) -> float | None:
    match payload:
        case {"stages": [*stages], "current": current, "value": int() | float() as value}:
            done = stages.index(current) if current in stages else 0
            return min(1.0, max(0.0, (done + value) / max(1, len(stages))))
        case _:
            return None
