"""What a configured value must look like, said once for loader, schema and documentation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from attrs import field, frozen

_LONGEST_SHOWN = 60


@runtime_checkable
class Constraint(Protocol):
    """A demand on one value, carried by its type as ``Annotated[int, WholeNumber(0, 9)]``."""

    @property
    def expected(self) -> str:
        """What is wanted, in words that follow "expected"."""

    @property
    def secret(self) -> bool:
        """Whether the value must not be repeated in a message."""

    def objection(self, value: Any) -> str | None:
        """Say what is wrong with a value; None when nothing is."""

    def schema(self) -> dict[str, Any]:
        """Return the same demand as JSON Schema keywords."""


def shown(value: Any) -> str:
    """Render a JSON value for a message, short enough to read."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    # default: a value that is no JSON at all is still to be named in its refusal.
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def mismatch(expected: str, value: Any, *, secret: bool = False) -> str:
    """Say what was expected and what was got."""
    return f"expected {expected}, got {_kind(value) if secret else shown(value)}"


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"a string of length {len(value)}"
    return "a number" if is_number(value) else shown(value)


def is_whole(value: Any) -> bool:
    """Tell whether a JSON value is an integer.

    JSON knows one kind of number and JSON Schema counts 5.0 as an integer, so
    a file that an editor accepts must not be refused here.
    """
    return type(value) is int or (type(value) is float and value.is_integer())


def is_number(value: Any) -> bool:
    """Tell whether a JSON value is a number; true and false are none."""
    return type(value) in (int, float)


@frozen
class WholeNumber:
    """An integer within bounds, both included."""

    minimum: int
    maximum: int
    secret: bool = field(default=False, init=False)

    @property
    def expected(self) -> str:
        """The range in words."""
        return f"an integer from {self.minimum} to {self.maximum}"

    def objection(self, value: Any) -> str | None:
        """Refuse other types and integers out of range."""
        if is_whole(value) and self.minimum <= value <= self.maximum:
            return None
        return mismatch(self.expected, value)

    def schema(self) -> dict[str, Any]:
        """Return type and bounds."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@frozen
class Number:
    """A number above one bound, or from it on, and up to another."""

    maximum: float
    minimum: float | None = None
    above: float | None = None
    secret: bool = field(default=False, init=False)

    @property
    def expected(self) -> str:
        """The range in words."""
        if self.above is not None:
            return f"a number above {self.above:g}, up to {self.maximum:g}"
        return f"a number from {self.minimum or 0:g} to {self.maximum:g}"

    def objection(self, value: Any) -> str | None:
        """Refuse other types and numbers out of range."""
        if (
            is_number(value)
            and value <= self.maximum
            and (self.minimum is None or value >= self.minimum)
            and (self.above is None or value > self.above)
        ):
            return None
        return mismatch(self.expected, value)

    def schema(self) -> dict[str, Any]:
        """Return type and bounds."""
        keywords: dict[str, Any] = {"type": "number", "maximum": self.maximum}
        if self.minimum is not None:
            keywords["minimum"] = self.minimum
        if self.above is not None:
            keywords["exclusiveMinimum"] = self.above
        return keywords


@frozen
class Text:
    """A string that matches a pattern from its first to its last character."""

    expected: str
    pattern: str
    secret: bool = False

    @property
    def anchored(self) -> str:
        """The pattern for Python and ECMAScript alike.

        Python's ``$`` also matches before a last newline; the look-ahead takes
        that back and changes nothing for editors that follow ECMAScript.
        """
        return f"^(?:{self.pattern})$(?!\\n)"

    def objection(self, value: Any) -> str | None:
        """Refuse other types and strings of another form."""
        if type(value) is str and re.search(self.anchored, value):
            return None
        return mismatch(self.expected, value, secret=self.secret)

    def schema(self) -> dict[str, Any]:
        """Return type and pattern."""
        return {"type": "string", "pattern": self.anchored}


@frozen
class OneOf:
    """One of a few words."""

    choices: tuple[str, ...]
    secret: bool = field(default=False, init=False)

    @property
    def expected(self) -> str:
        """The words to choose from."""
        return "one of " + ", ".join(shown(choice) for choice in self.choices)

    def objection(self, value: Any) -> str | None:
        """Refuse everything that is not one of the words."""
        return None if value in self.choices else mismatch(self.expected, value)

    def schema(self) -> dict[str, Any]:
        """Return the words."""
        return {"type": "string", "enum": list(self.choices)}


@frozen
class AnyJson:
    """Whatever JSON can hold."""

    expected: str = field(default="any JSON value", init=False)
    secret: bool = field(default=False, init=False)

    def objection(self, value: Any) -> str | None:
        """Accept everything."""
        return None

    def schema(self) -> dict[str, Any]:
        """Return the schema that everything satisfies."""
        return {}
