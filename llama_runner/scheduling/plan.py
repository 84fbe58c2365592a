"""What to do next, decided at one instant."""

from __future__ import annotations

from enum import Enum, auto
from math import inf

from attrs import frozen

from llama_runner.scheduling.ticket import Ticket


class Reason(Enum):
    """Why a ticket is refused."""

    TOO_LARGE = auto()
    """The model would not fit a machine on which nothing else ran."""
    NO_ROOM = auto()
    """Pinned models and other programs leave too little, and still did after the wait for it."""


@frozen
class Refusal:
    """A ticket that is not served, and why."""

    ticket: Ticket
    reason: Reason


@frozen
class Plan:
    """The next steps, in the order in which they must be taken.

    Both ``evictions`` and ``expiries`` stop idle residents. The plan holds until something
    changes, or until ``look_again``: then time alone has changed what is to be done.
    """

    grants: tuple[Ticket, ...] = ()
    evictions: tuple[str, ...] = ()
    expiries: tuple[str, ...] = ()
    starts: tuple[Ticket, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    look_again: float = inf

    @property
    def has_steps(self) -> bool:
        """Whether anything is to be done now."""
        return any((self.grants, self.evictions, self.expiries, self.starts, self.refusals))
