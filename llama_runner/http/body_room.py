"""Bounds what the bodies of all requests to one listener take together."""

from __future__ import annotations

from attrs import define, field

from llama_runner.http.answer import RETRY_LATER
from llama_runner.wire.request_head import HeadError


@define(eq=False)
class BodyRoom:
    """Room for ``size`` bytes.

    Only what really came takes room, so that nobody can reserve it by promises.
    """

    size: int
    held: int = field(default=0, init=False)

    def holding(self) -> Holding:
        """Return a place for one body at a time, which takes no room yet."""
        return Holding(self)


@define(eq=False)
class Holding:
    """The room that one body takes."""

    _room: BodyRoom
    _bytes: int = field(default=0, init=False)

    def grow(self, size: int) -> None:
        """Take ``size`` bytes more.

        Raises:
            HeadError: with 503 when there is no room for them.

        """
        if self._room.held + size > self._room.size:
            message = "the requests in progress hold as many bytes as may be; try again later"
            raise HeadError(503, message, RETRY_LATER)
        self._room.held += size
        self._bytes += size

    def release(self) -> None:
        """Give back all that was taken."""
        self._room.held -= self._bytes
        self._bytes = 0
