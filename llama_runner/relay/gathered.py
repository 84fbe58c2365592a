"""Fields that come in fragments, gathered into whole ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

# These are whole each time they come; other strings are fragments to be joined.
_WHOLE = frozenset({"role", "id", "type", "object", "finish_reason", "format"})


@define(eq=False)
class Gathered:
    """Gathers objects of the same kind: strings are joined, lists extended, the rest replaced.

    That is what a delta means in OpenAI's dialect, so fields which nobody has
    thought of yet come out as sensibly as those known today.
    """

    # Deeper objects are taken whole: no answer nests its fragments so far.
    _depth: int = 8
    _fields: dict[str, list[Any] | Gathered] = field(factory=dict, init=False)

    def add(self, fragment: Mapping[str, Any]) -> None:
        """Take the next fragment; what is null adds nothing but its name."""
        for name, value in fragment.items():
            if isinstance(value, dict) and self._depth:
                self._nested(name).add(value)
            elif (values := self._values(name)) is not None and value is not None:
                values.append(value)

    def whole(self) -> dict[str, Any]:
        """Return the fields gathered so far, in the order in which they first came."""
        return {
            name: found.whole() if isinstance(found, Gathered) else _joined(name, found)
            for name, found in self._fields.items()
        }

    def _nested(self, name: str) -> Gathered:
        found = self._fields.get(name)
        if not isinstance(found, Gathered):
            found = self._fields[name] = Gathered(self._depth - 1)
        return found

    def _values(self, name: str) -> list[Any] | None:
        found = self._fields.setdefault(name, [])
        return None if isinstance(found, Gathered) else found


def _joined(name: str, values: list[Any]) -> Any:
    if not values:
        return None
    if name not in _WHOLE and all(isinstance(value, str) for value in values):
        return "".join(values)
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return values[-1]
