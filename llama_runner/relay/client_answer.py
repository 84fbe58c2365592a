"""The client's end of a relayed request, as the relay sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio


class ClientAnswer(Protocol):
    """Takes one answer: whole, or as a stream.

    Whoever writes works inside ``interruption``, which is cancelled when the
    client leaves (then ``left_at`` is set), and when the program stops and can
    wait no longer: then one last event may follow.
    """

    started: bool
    interruption: trio.CancelScope
    client_name: str
    """Who asks, as far as clients can be told apart: by API key, else by address."""

    @property
    def left_at(self) -> float | None:
        """When the client was seen to leave (trio's clock), if it did."""
        ...

    def say(self, name: bytes, value: bytes) -> None:
        """Send a header with the answer, of whatever kind it is; it must not have begun."""
        ...

    async def whole(
        self,
        status: int,
        content_type: str,
        body: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Send a whole answer."""
        ...

    def stream(
        self, status: int, content_type: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """Begin a stream; its head leaves with the first piece."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a piece."""
        ...

    def write_at_once(self, data: bytes) -> None:
        """Send a piece that no client misses: none to one that does not take what it has."""
        ...

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece and end the stream."""
        ...
