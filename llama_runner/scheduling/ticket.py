"""One request's place in the queue."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from attrs import frozen


@frozen
class Ticket:
    """A request that waits for a model since ``since``; the lower ``number`` came first.

    ``turn`` shares the queue among clients: the ``n``-th request that one client has
    waiting is served no earlier than the ``n``-th of another that came in time for it.
    One that ``yields`` makes do with the memory there is: nothing is evicted for it.
    """

    number: int
    model: str
    client: str = ""
    turn: int = 0
    since: float = 0.0
    yields: bool = False


def in_order(tickets: Iterable[Ticket]) -> list[Ticket]:
    """Return tickets as they are to be served: by turn, and the oldest first within one."""
    return sorted(tickets, key=attrgetter("turn", "number"))


def next_turn(client: str, waiting: Iterable[Ticket], served: int) -> int:
    """Return the turn of a client's next request, ``served`` being the turn last served."""
    own = (ticket.turn for ticket in waiting if ticket.client == client)
    return 1 + max((served, *own))
