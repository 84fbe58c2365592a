"""Knows which models are asked for again soon after they were stopped."""

from __future__ import annotations

from math import inf

import trio
from attrs import define, field

from llama_runner.lending.seat import Seat
from llama_runner.scheduling.ticket import Ticket

SOON = 3.0
"""Loads of a model: whoever asks for it that soon after its stop has it loaded in vain."""


@define(eq=False)
class Returns:
    """Remembers of each model until when another request for it would come too soon."""

    _until: dict[str, float] = field(factory=dict, init=False)

    def went(self, seat: Seat) -> None:
        """Note that an idle model is stopped."""
        self._until[seat.spec.key] = trio.current_time() + SOON * seat.loaded_within

    def has(self, ticket: Ticket) -> bool:
        """Tell whether a model returns with the request that has it loaded."""
        return ticket.since <= self._until.get(ticket.model, -inf)
