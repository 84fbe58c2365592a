"""How long a model is to stay, as Ollama's clients say it: seconds, or a Go duration.

Written after Go's ``time.ParseDuration`` and Ollama's ``api.Duration``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llama_runner.errors import BadRequest, shortened
from llama_runner.facades.ollama.timestamps import FOREVER

_UNITS: Mapping[str, float] = {
    **{"ns": 1e-9, "us": 1e-6, "\N{MICRO SIGN}s": 1e-6, "\N{GREEK SMALL LETTER MU}s": 1e-6},
    **{"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0},
}
_PIECE = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]*)")
_GO_TYPES: Mapping[type, str] = {
    **{bool: "bool", list: "[]interface {}", dict: "map[string]interface {}"},
}


def keep_alive_of(value: Any) -> float | None:
    """Return the seconds that a field ``keep_alive`` asks for, None if it asks for nothing.

    Whatever is negative means for ever, which is as long as Go can say.

    Raises:
        BadRequest: in Go's words.

    """
    if value is None:
        return None
    if isinstance(value, str):
        seconds = duration(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise BadRequest(f"Unsupported type: '{_GO_TYPES.get(type(value), 'string')}'")
    return float(FOREVER) if seconds < 0 else min(seconds, float(FOREVER))


def duration(text: str) -> float:
    """Return the seconds of a Go duration such as ``1h30m`` or ``-1.5s``.

    Raises:
        BadRequest: in Go's words.

    """
    shown = shortened(text)
    unsigned = text[1:] if text[:1] in ("-", "+") else text
    if unsigned == "0":
        return 0.0
    seconds, place = 0.0, 0
    while piece := _PIECE.match(unsigned, place):
        number, unit = piece.groups()
        if not unit:
            raise BadRequest(f'time: missing unit in duration "{shown}"')
        if unit not in _UNITS:
            raise BadRequest(f'time: unknown unit "{shortened(unit)}" in duration "{shown}"')
        seconds, place = seconds + float(number) * _UNITS[unit], piece.end()
    if not unsigned or place < len(unsigned):
        raise BadRequest(f'time: invalid duration "{shown}"')
    return -seconds if text.startswith("-") else seconds
