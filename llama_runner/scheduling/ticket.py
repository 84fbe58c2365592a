"""One request's place in the queue."""

from __future__ import annotations

from attrs import frozen


@frozen
class Ticket:
    """A request that waits for a model; the lower ``number`` came first.

    ``footprint`` is what the model would occupy, in the same unit as the
    capacity that ``decide`` is given.
    """

    number: int
    model: str
    footprint: int
