"""What keeps one waiting client connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeVar

from attrs import define, field

from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.dialect import Dialect, Waiting

T = TypeVar("T")


@define(eq=False)
class Heartbeat:
    """Tells a client that it is not forgotten, while what it waits for takes long.

    The first one begins the answer with 200, so that what fails later can
    only be told as the stream's last event. ``due`` is on trio's clock.
    """

    _answer: ClientAnswer
    _dialect: Dialect
    due: float
    _waiting: Callable[[], Waiting] = field(default=Waiting, init=False)
    _waits: bool = field(default=False, init=False)

    def about(self, waiting: Callable[[], Waiting]) -> None:
        """Tell from now on what ``waiting`` says at each beat."""
        self._waiting = waiting

    async def until(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Return what ``wait`` returns; only meanwhile may there be beats."""
        self._waits = True
        try:
            return await wait()
        finally:
            self._waits = False

    def begin(self) -> None:
        """Begin the stream, if that was not done yet."""
        if not self._answer.started:
            kind = self._dialect.stream
            self._answer.stream(200, kind.content_type, kind.headers)

    def end(self) -> None:
        """Beat no more: the answer itself comes."""
        self.due = inf

    def beat(self) -> None:
        """Send a heartbeat, unless the answer itself is being written."""
        if not self._waits:
            return
        self.begin()
        self._answer.write_at_once(self._dialect.heartbeat(self._waiting()))
