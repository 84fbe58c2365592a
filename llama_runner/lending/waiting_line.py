"""The requests that wait, and their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import count

from attrs import define, field

from llama_runner.errors import LlamaRunnerError
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.place import QueuedPlace
from llama_runner.scheduling.ticket import Ticket, in_order, next_turn


@define(eq=False)
class WaitingLine:
    """Holds a place for each ticket; the planner sees the tickets only.

    ``served`` is the last turn of which a ticket was granted.
    """

    _places: dict[Ticket, QueuedPlace] = field(factory=dict, init=False)
    _numbers: count[int] = field(factory=count, init=False)
    served: int = field(default=0, init=False)

    def __len__(self) -> int:
        return len(self._places)

    @property
    def tickets(self) -> Collection[Ticket]:
        """Who waits, in no order that counts."""
        return self._places.keys()

    def add(self, place: QueuedPlace, now: float) -> None:
        """Let a place wait from ``now`` on."""
        turn = next_turn(place.client, self._places, self.served)
        number, key = next(self._numbers), place.spec.key
        place.ticket = Ticket(number, key, place.client, turn, now, place.yields)
        self._places[place.ticket] = place

    def waits_for(self, model: str) -> bool:
        """Tell whether anybody waits for a model."""
        return any(ticket.model == model for ticket in self._places)

    def place_of(self, ticket: Ticket) -> QueuedPlace:
        """Return the place that a ticket stands for."""
        return self._places[ticket]

    def drop(self, place: QueuedPlace) -> None:
        """Forget a place, if it still waits."""
        if place.ticket is not None:
            self._places.pop(place.ticket, None)

    def settle(self, ticket: Ticket, outcome: RunnerLease | LlamaRunnerError) -> None:
        """End the wait of a ticket."""
        if isinstance(outcome, RunnerLease):
            self.served = max(self.served, ticket.turn)
        self._places.pop(ticket).settle(outcome)

    def refuse(
        self, error: LlamaRunnerError, model: str | None = None, beyond: int | None = None
    ) -> None:
        """End the wait of everybody, or of everybody who waits for one model.

        With ``beyond``, only of those who want a larger context than that.
        """
        for ticket, place in list(self._places.items()):
            if model in (None, ticket.model) and (beyond is None or place.wanted > beyond):
                self.settle(ticket, error)

    def in_order(self) -> list[Ticket]:
        """Return who waits, as they are to be served."""
        return in_order(self._places)

    def ahead_of(self, place: QueuedPlace) -> list[Ticket]:
        """Return who is to be served before a place."""
        line = self.in_order()
        return line[: line.index(place.ticket)] if place.ticket in self._places else []

    def specs(self) -> Iterable[ModelSpec]:
        """Return the models that are waited for, each once."""
        found = {ticket.model: place.spec for ticket, place in self._places.items()}
        return found.values()
