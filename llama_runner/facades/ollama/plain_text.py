"""Tells events that hold text and nothing else, which nearly all do, without reading them whole."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from attrs import frozen

from llama_runner.facades.ollama.line import escaped, line
from llama_runner.facades.ollama.timestamps import utc_time

TEXT_EVENT = re.compile(
    rb'data: \{"choices":\[\{"finish_reason":null,"index":0,"delta":\{"content":'
    rb'("(?!")[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")\}\}\],"created":[^\n]*\n\n'
)
"""An event of llama-server's chat stream with its text, as JSON, in the first group.

What follows tells nothing that is needed before the end of the answer.
"""

_TIME, _TEXT = "\ue000time\ue000", "\ue000text\ue000"


@frozen
class PlainText:
    """Writes the lines that tell text alone; all else in them is always the same."""

    _before: bytes
    _between: bytes
    _after: bytes

    def line(self, text: bytes) -> bytes:
        """Return the line that tells ``text``, which is JSON."""
        now = utc_time(time.time_ns()).encode()
        return b"".join((self._before, now, self._between, escaped(text), self._after))


def plain_text(object_of: Callable[[str, str], Mapping[str, Any]]) -> PlainText | None:
    """Return what writes the objects that ``object_of`` makes of a time and a text.

    None if they hold their marks elsewhere too.
    """
    written = line(object_of(_TIME, _TEXT))
    before, *rest = written.split(_TIME.encode())
    between, *ends = rest[0].split(orjson.dumps(_TEXT)) if len(rest) == 1 else (b"",)
    return PlainText(before, between, ends[0]) if len(ends) == 1 else None
