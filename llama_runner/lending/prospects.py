"""What those who wait can be told, and what is measured for that."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from attrs import define, field

from llama_runner.errors import LlamaRunnerError, QueueFull
from llama_runner.lending.likely_load import likely_seconds
from llama_runner.lending.place import QueuedPlace
from llama_runner.lending.planner import Planner
from llama_runner.lending.seat import Seat
from llama_runner.lending.waiting_line import WaitingLine
from llama_runner.memory.amounts import Amounts
from llama_runner.relay.dialect import Waiting
from llama_runner.runner.state import Starting
from llama_runner.scheduling.forecast import Forecast, Pace, forecast
from llama_runner.scheduling.resident import Phase
from llama_runner.scheduling.ticket import Ticket

_NEWEST = 0.2
"""The weight of the newest of many measurements."""


@define(eq=False)
class Prospects:
    """Tells how long a wait is likely to take still; asked only while somebody waits."""

    _line: WaitingLine
    _seats: Mapping[str, Seat]
    _planner: Planner
    _loads: dict[str, float] = field(factory=dict, init=False)
    _answers: dict[str, float] = field(factory=dict, init=False)

    def loaded(self, seat: Seat) -> None:
        """Note how long a load took."""
        self._loads[seat.spec.key] = seat.loaded_within

    def answered(self, model: str, seconds: float) -> None:
        """Note how long a lease was held by one that had waited for it."""
        before = self._answers.get(model, seconds)
        self._answers[model] = before + _NEWEST * (seconds - before)

    def of(self, place: QueuedPlace) -> Waiting:
        """Return what to tell a client that waits at a place."""
        seat = self._seats.get(place.spec.key)
        state = seat.runner.state.value if seat is not None else None
        progress = state.progress if isinstance(state, Starting) else None
        ahead = len(self._line.ahead_of(place))
        expected = self._forecast(place.ticket)
        return Waiting(ahead, progress, seconds=expected.seconds, open=expected.open)

    def gave_up(self, place: QueuedPlace) -> LlamaRunnerError:
        """Return what to tell a client that has waited at a place for too long."""
        expected = self._forecast(place.ticket)
        message = f"{place.spec.key} did not become free in time; try again later"
        return QueueFull(message, retry_after=expected.seconds or None)

    def full(self) -> LlamaRunnerError:
        """Return what to tell a client that finds too many before it."""
        last = max(self._line.tickets, key=lambda ticket: (ticket.turn, ticket.number))
        expected = self._forecast(last)
        message = f"{len(self._line)} requests wait already; try again later"
        return QueueFull(message, retry_after=expected.seconds or None)

    def load_takes(self, model: str, footprint: Amounts) -> float:
        """Return how many seconds loading a model takes, or is likely to take."""
        return self._loads.get(model, likely_seconds(footprint))

    def waiting(self) -> list[tuple[Ticket, Forecast]]:
        """Return everybody who waits, with what is likely to come of it."""
        return [(ticket, self._forecast(ticket)) for ticket in self._line.in_order()]

    def _forecast(self, ticket: Ticket | None) -> Forecast:
        if ticket is None or ticket not in self._line.tickets:
            return Forecast()
        return forecast(ticket, self._planner.situation(), self._pace())

    def _pace(self) -> Pace:
        guesses = {
            model: likely_seconds(footprint)
            for model, footprint in self._planner.footprints.items()
        }
        left = {
            key: self._left(key, seat)
            for key, seat in self._seats.items()
            if seat.phase is Phase.STARTING
        }
        return Pace(loads={**guesses, **self._loads}, left=left, answers=self._answers)

    def _left(self, key: str, seat: Seat) -> float:
        took = self._loads.get(key, seat.loaded_within)
        return max(0.0, took - (trio.current_time() - seat.began))
