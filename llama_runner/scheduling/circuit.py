"""What is done about a model whose starts fail. No I/O, no clock, no trio."""

from __future__ import annotations

from attrs import frozen

SETTLED = 60.0
"""Seconds for which a child must have been ready, and have answered, to count as a good start."""


MOST_DOUBLINGS = 64
"""More would make any pause longer than any rest, or no number at all."""


@frozen(kw_only=True)
class Tries:
    """How often a start is tried, ``most`` times in a row, and the pauses in seconds.

    The ``pause`` after the first failure doubles with each that follows, up to the ``rest``
    that comes after the last.
    """

    most: int = 3
    pause: float = 1.0
    rest: float = 30.0


@frozen
class Circuit:
    """The starts of one model that have failed since it last served.

    Closed, it lets a start wait for the end of a pause. Open, it has everybody refused
    until ``until``. Whoever asks after that has one more start tried (the circuit is
    half-open then): it closes the circuit, or opens it again.
    """

    failures: int = 0
    until: float = 0.0
    cause: str = ""

    def failed(self, now: float, cause: str, tries: Tries) -> Circuit:
        """Return it after one more failure."""
        failures = self.failures + 1
        pause = tries.pause * 2.0 ** min(failures - 1, MOST_DOUBLINGS)
        if failures >= tries.most or pause > tries.rest:
            pause = tries.rest
        return Circuit(failures, now + pause, cause)

    def is_open(self, now: float, tries: Tries) -> bool:
        """Tell whether nothing is tried at this time."""
        return self.failures >= tries.most and now < self.until
