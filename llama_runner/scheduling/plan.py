"""What to do next, decided at one instant."""

from __future__ import annotations

from attrs import frozen

from llama_runner.scheduling.ticket import Ticket


@frozen
class Plan:
    """The next steps, in the order in which they must be taken."""

    grants: tuple[Ticket, ...] = ()
    evictions: tuple[str, ...] = ()
    starts: tuple[Ticket, ...] = ()
    refusals: tuple[Ticket, ...] = ()
