"""How long a model stays loaded that nobody asks for."""

from __future__ import annotations

from typing import Annotated, Any

from attrs import field, frozen

from llama_runner.config.constraint import is_number, mismatch

FOREVER = "forever"
_LONGEST = 31_536_000


@frozen
class SecondsOrForever:
    """A number of seconds, or the word for no end."""

    expected: str = field(
        default=f'a number of seconds from 0 to {_LONGEST}, or "{FOREVER}"', init=False
    )
    secret: bool = field(default=False, init=False)

    def objection(self, value: Any) -> str | None:
        """Refuse what is neither."""
        if value == FOREVER or (is_number(value) and 0 <= value <= _LONGEST):
            return None
        return mismatch(self.expected, value)

    def schema(self) -> dict[str, Any]:
        """Return the two forms."""
        seconds = {"type": "number", "minimum": 0, "maximum": _LONGEST}
        return {"anyOf": [seconds, {"const": FOREVER}]}


KeepAlive = Annotated[Any, SecondsOrForever()]


def idle_seconds(keep_alive: float | str) -> float | None:
    """Return the seconds that a keep-alive allows, None for no end."""
    return None if isinstance(keep_alive, str) else float(keep_alive)
