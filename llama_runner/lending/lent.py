"""Lends a slot."""

from __future__ import annotations

from collections.abc import Callable

from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.place import QueuedPlace
from llama_runner.lending.seat import Seat


def lent(
    seat: Seat,
    place: QueuedPlace,
    since: float | None = None,
    first_token: Callable[[str], None] | None = None,
) -> RunnerLease:
    """Return the lease of one of a ready seat's slots, for the request at a place."""
    assert seat.pool is not None  # as every ready seat has
    slot, terms = seat.lend(place.client, place.asked)
    return RunnerLease(seat, seat.pool, slot, terms, place.client, since, first_token)
