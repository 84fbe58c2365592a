"""Corrects what loads are reckoned to take by what they took; pure."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field, frozen

from llama_runner.memory.amounts import Amounts

MOST = 500
"""Lessons that are kept; the oldest go first."""


@frozen(kw_only=True)
class Load:
    """What makes one load like another.

    ``model`` names a file as it is (path, size and time of change), ``build`` the engine,
    ``arguments`` everything else that it is launched with but for address and key.
    """

    model: str
    build: str
    arguments: str


@frozen
class Lesson:
    """What a load was reckoned to take, and what it took at most."""

    reckoned: Amounts
    taken: Amounts


@define(eq=False)
class Experience:
    """What was learned of earlier loads, the latest last."""

    _lessons: dict[Load, Lesson] = field(factory=dict)

    @property
    def lessons(self) -> Iterable[tuple[Load, Lesson]]:
        """Everything that is known."""
        return self._lessons.items()

    def corrected(self, load: Load, reckoned: Amounts) -> Amounts:
        """Return what a load will take.

        One that was seen takes what it took. One of the same model and engine with other
        arguments takes what that one took, and the difference that is reckoned between them:
        what the formulas do not know of is the same for both.
        """
        lesson = self._lessons.get(load)
        if lesson is not None and lesson.reckoned == reckoned:
            return lesson.taken
        for other, learned in reversed(self._lessons.items()):
            if (other.model, other.build) == (load.model, load.build):
                return _positive(learned.taken + reckoned - learned.reckoned)
        return reckoned

    def learn(self, load: Load, reckoned: Amounts, taken: Amounts) -> None:
        """Note what a load took, which may be more than what it was seen to take before."""
        known = self._lessons.pop(load, None)
        if known is not None and known.reckoned == reckoned:
            taken = _most(known.taken, taken)
        self._lessons[load] = Lesson(reckoned, taken)
        while len(self._lessons) > MOST:
            del self._lessons[next(iter(self._lessons))]


def _most(one: Amounts, other: Amounts) -> Amounts:
    devices = {**one.by_device, **other.by_device}
    return Amounts({device: max(one.on(device), other.on(device)) for device in devices})


def _positive(amounts: Amounts) -> Amounts:
    return Amounts({device: max(0, amount) for device, amount in amounts.by_device.items()})
