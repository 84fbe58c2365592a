"""The connections that may end without breaking off an answer."""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

import trio
from attrs import define, field

T = TypeVar("T")


@define(eq=False)
class Expendable:
    """Connections by how little is lost with them, the oldest first.

    Those ``leaving`` are hung up and may read their last answer; the ``idle`` wait
    for a request, with the time since when; those ``beginning`` have not sent all
    of its head.
    """

    leaving: dict[trio.CancelScope, None] = field(factory=dict, init=False)
    idle: dict[trio.CancelScope, float] = field(factory=dict, init=False)
    beginning: dict[trio.CancelScope, None] = field(factory=dict, init=False)

    def end(self, count: int) -> int:
        """End so many, if there are; return how many there were."""
        ended = _end(self.leaving, count)
        ended += _end(self.idle, count - ended)
        return ended + _end(self.beginning, count - ended)


def _end(kind: dict[trio.CancelScope, T], count: int) -> int:
    scopes = list(islice(kind, count))
    for scope in scopes:
        del kind[scope]
        scope.cancel()
    return len(scopes)
