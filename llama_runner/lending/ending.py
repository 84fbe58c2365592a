"""How a runner ended."""

from __future__ import annotations

import trio
from attrs import frozen

from llama_runner.errors import LlamaRunnerError, RunnerError
from llama_runner.lending.seat import Seat
from llama_runner.runner.diagnosis import Cause
from llama_runner.runner.state import Exited
from llama_runner.scheduling.circuit import SETTLED


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
    def in_vain(self) -> str:
        """What ended a child that was ready, so soon that its start was in vain; else empty.

        It is empty too if it was stopped for no fault of its own.
        """
        state = self.seat.runner.state.value
        assert isinstance(state, Exited)  # as at the end of every runner
        ours = state.diagnosis.cause is Cause.STOPPED
        cause = self.seat.fault if ours else state.diagnosis.message
        if self.error is not None or not cause:
            return ""
        if not self.seat.answered:
            return f"it ended before it had answered anybody: {cause}"
        lasted = trio.current_time() - self.seat.ready_at
        return f"it ended {lasted:.0f} s after it was ready: {cause}" if lasted < SETTLED else ""

    @property
    def planned(self) -> bool:
        """Whether we have stopped it ourselves."""
        return self.seat.planned


@frozen
class Failure:
    """What those are told who wait for a model in vain.

    Of a model that goes back to a smaller context: only those are who want one ``beyond`` it.
    """

    error: LlamaRunnerError
    beyond: int | None = None
