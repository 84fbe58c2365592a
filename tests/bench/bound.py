"""What a figure has to be, and whether it is."""

from __future__ import annotations

from attrs import frozen


@frozen
class Bound:
    """A limit for a figure, or for its ratio to that of another column."""

    limit: float
    against: str | None = None
    at_least: bool = False

    def is_met_by(self, value: float) -> bool:
        """Tell whether a figure, or its ratio, keeps within the limit."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        compared = f" × {self.against}" if self.against else ""
        return f"{sign} {self.limit:,g}{compared}"


@frozen
class Verdict:
    """A bound beside what was seen; ``None`` where nothing was."""

    bound: Bound
    value: float | None

    @property
    def met(self) -> bool | None:
        """Whether it was met, if that is known."""
        return None if self.value is None else self.bound.is_met_by(self.value)

    @property
    def word(self) -> str:
        """How it went, in a word or two."""
        return {True: "met", False: "missed", None: "not measured"}[self.met]

    def __str__(self) -> str:
        return f"{self.bound}: {self.word}"
