"""Whether an engine gives back what it saved of a model's slots, and at which price."""

from __future__ import annotations

from typing import TypeAlias

from attrs import evolve, frozen


@frozen
class Pace:
    """How many ``seconds`` an ``amount`` took, of tokens or of bytes."""

    amount: int
    seconds: float

    def of(self, amount: int) -> float:
        """Return how many seconds this much is likely to take."""
        return self.seconds * amount / self.amount if self.amount else 0.0

    def or_newer(self, newer: Pace) -> Pace:
        """Return the newer one, unless it is of so little that it tells less."""
        return newer if 2 * newer.amount >= self.amount else self


@frozen
class Proven:
    """It gives them back: how fast it reads a prompt, saves a slot and restores one."""

    reading: Pace
    saving: Pace
    restoring: Pace

    def is_worth(self, tokens: int, size: int) -> bool:
        """Tell whether to save a slot and to restore it is cheaper than to read its prompt."""
        return self.saving.of(size) + self.restoring.of(size) < self.reading.of(tokens)

    def noting(
        self,
        *,
        reading: Pace | None = None,
        saving: Pace | None = None,
        restoring: Pace | None = None,
    ) -> Proven:
        """Return it with what was measured since."""
        return evolve(
            self,
            reading=self.reading.or_newer(reading or self.reading),
            saving=self.saving.or_newer(saving or self.saving),
            restoring=self.restoring.or_newer(restoring or self.restoring),
        )


@frozen
class Refuted:
    """It does not: nothing is saved for that model with that engine."""

    reason: str


@frozen
class Sample:
    """One slot of a probe: what was saved, and what is to come of it once it is restored."""

    file: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    cached: int


@frozen
class Probing:
    """A probe has saved its samples; the next load tells what they are worth."""

    samples: tuple[Sample, ...]
    reading: Pace
    saving: Pace


@frozen
class Unknown:
    """No probe has come to its end, in so many ``tries``."""

    tries: int = 0


Verdict: TypeAlias = Proven | Refuted | Probing | Unknown
