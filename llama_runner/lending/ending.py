"""How a runner ended."""

from __future__ import annotations

from attrs import frozen

from llama_runner.errors import RunnerError
from llama_runner.lending.seat import Seat
from llama_runner.runner.diagnosis import Cause
from llama_runner.runner.state import Exited


@frozen(eq=False)
class Ending:
    """A seat whose child has ended and is reaped.

    It was ``planned`` if we stopped it. ``error`` is what kept it from serving at all, for
    whoever waits for it; a child that had served ends without one.
    """

    seat: Seat
    error: RunnerError | None = None

    @property
    def out_of_memory(self) -> bool:
        """Whether there was not enough memory for it to start."""
        state = self.seat.runner.state.value
        if self.error is None or not isinstance(state, Exited):
            return False
        return state.diagnosis.cause is Cause.OUT_OF_MEMORY

    @property
    def planned(self) -> bool:
        """Whether we have stopped it ourselves."""
        return self.seat.planned
