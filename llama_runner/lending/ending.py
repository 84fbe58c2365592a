"""How a runner ended."""

from __future__ import annotations

from attrs import frozen

from llama_runner.errors import RunnerError
from llama_runner.lending.seat import Seat


@frozen(eq=False)
class Ending:
    """A seat whose child has ended and is reaped.

    It was ``planned`` if we stopped it. ``error`` is what kept it from serving at all, for
    whoever waits for it; a child that had served ends without one.
    """

    seat: Seat
    error: RunnerError | None = None

    @property
    def planned(self) -> bool:
        """Whether we have stopped it ourselves."""
        return self.seat.planned
