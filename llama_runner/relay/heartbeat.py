"""Keeps a waiting client connected, without a task or timer of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from attrs import define, field

from llama_runner.relay.client_answer import ClientAnswer
from llama_runner.relay.dialect import Dialect, Waiting

T = TypeVar("T")

EVENT_STREAM = "text/event-stream"
STREAM_HEADERS = ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))


@define(eq=False)
class Heartbeat:
    """Sends a heartbeat whenever a wait takes longer than the client should have to guess.

    The first one begins the answer with 200, so that what fails later can
    only be told as the stream's last event.
    """

    _answer: ClientAnswer
    _dialect: Dialect
    _every: float
    _due: float
    _waiting: Callable[[], Waiting] = field(default=Waiting, init=False)

    def about(self, waiting: Callable[[], Waiting]) -> None:
        """Tell from now on what ``waiting`` says at each beat."""
        self._waiting = waiting

    async def until(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Return what ``wait`` returns; it may be cancelled and called again at each beat."""
        while True:
            with trio.CancelScope(deadline=self._due):
                return await wait()
            await self._beat()

    async def _beat(self) -> None:
        if not self._answer.started:
            self._answer.stream(200, EVENT_STREAM, STREAM_HEADERS)
        self._due = trio.current_time() + self._every
        await self._answer.write(self._dialect.heartbeat(self._waiting()))
