"""Owns the dashboard's websocket sessions: one writer a socket, fed by the broadcaster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import orjson
import trio
from attrs import asdict

from llama_runner.concurrency.first import first
from llama_runner.concurrency.stop import Stop
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event, ProgramStopping

GOING_AWAY = 1001
"""RFC 6455, 7.4.1: the server ends."""

LAGGED = 1013
"""IANA's "try again later": this session could not keep up and was dropped."""


class Socket(Protocol):
    """A websocket, as the session needs it."""

    async def send(self, data: str) -> None:
        """Send one text message."""
        ...

    async def receive(self) -> Any:
        """Return the next message."""
        ...

    async def close(self, code: int, reason: str = "") -> None:
        """End the session."""
        ...


async def serve_session(
    socket: Socket, events: Broadcaster[Event], stop: Stop, status: Mapping[str, Any]
) -> None:
    """Send the state, then every event, until the client leaves or the program stops."""
    with events.subscribe() as received:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_discard_input, socket)
            await socket.send(_message("status", status))
            while (event := await _next_event(received, stop)) is not None:
                await socket.send(_message(type(event).__name__, asdict(event)))
            await _end(socket, stop)
            nursery.cancel_scope.cancel()


async def _discard_input(socket: Socket) -> None:
    # Someone must read, or a close would never be seen.
    while True:
        await socket.receive()


async def _next_event(received: trio.MemoryReceiveChannel[Event], stop: Stop) -> Event | None:
    """Return the next event, or ``None`` when there are no more for this session."""
    taken: list[Event] = []

    async def take() -> None:
        async for event in received:
            taken.append(event)
            return

    # The wait is what a stop cancels, never a message half on its way.
    await first(take, stop.requested.wait)
    ended = not taken or isinstance(taken[0], ProgramStopping)
    return None if ended else taken[0]


async def _end(socket: Socket, stop: Stop) -> None:
    if stop.requested.is_set():
        await socket.send(_message(ProgramStopping.__name__, {}))
        await socket.close(GOING_AWAY, "the program stops")
    else:
        await socket.close(LAGGED, "too slow")


def _message(kind: str, fields: Mapping[str, Any]) -> str:
    return orjson.dumps({"type": kind, **fields}, default=_plain).decode()


def _plain(value: Any) -> Any:
    return getattr(value, "value", str(value))
