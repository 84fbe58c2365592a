"""The wish to end, in its two urgencies."""

from __future__ import annotations

import trio
from attrs import field, frozen


@frozen
class Stop:
    """``requested``: finish what is being served. ``hurried``: do not wait for that either."""

    requested: trio.Event = field(factory=trio.Event)
    hurried: trio.Event = field(factory=trio.Event)

    def request(self) -> None:
        """Ask for the end; ask twice to hurry it."""
        if self.requested.is_set():
            self.hurried.set()
        self.requested.set()

    def request_at_once(self) -> None:
        """Ask for an end that waits for nothing, whether or not one was asked for."""
        self.requested.set()
        self.hurried.set()
