"""A websocket session on the dashboard's port, from its handshake to each of its ends."""

from __future__ import annotations

import socket as stdlib_socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import trio
from trio.testing import MockClock
from trio_websocket import CloseReason, ConnectionClosed, WebSocketConnection, wrap_client_stream

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from llama_runner.events.event import Event, ProgramStopping, RunnerChanged
from tests.support.access_cases import HANDSHAKE
from tests.support.http_client import request_bytes
from tests.support.program import Program, open_program


@asynccontextmanager
async def session(program: Program) -> AsyncIterator[WebSocketConnection]:
    """Open the dashboard's event session."""
    client = program.client()
    ours = stdlib_socket.socket(fileno=client.sock.detach())
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(ours))
    async with trio.open_nursery() as nursery:
        yield await wrap_client_stream(nursery, stream, "localhost:1234", "/api/events")
        nursery.cancel_scope.cancel()
    await stream.aclose()


def publish(program: Program, event: Event) -> None:
    """Tell everybody of ``event``."""
    program.runners._events.publish(event)


def _reason(reason: CloseReason | None) -> tuple[int, str] | None:
    return (reason.code, str(reason.name)) if reason else None


async def message(socket: WebSocketConnection) -> Any:
    """Return the next message."""
    return orjson.loads(await socket.get_message())


async def test_a_session_tells_the_status_first_and_then_every_event(
    autojump_clock: MockClock,
) -> None:
    async with open_program(facade="dashboard") as program, session(program) as socket:
        assert await message(socket) == {"type": "status", "listeners": {}, "models": []}
        for state in ("starting", "ready"):
            publish(program, RunnerChanged("a", state))
        expected = {"type": "RunnerChanged", "model": "a", "detail": ""}
        assert await message(socket) == {**expected, "state": "starting"}
        assert await message(socket) == {**expected, "state": "ready"}
        await socket.aclose()
        assert _reason(socket.closed) == (1000, "NORMAL_CLOSURE")
        await program.front.finished()


@pytest.mark.parametrize("announced", [False, True])
async def test_a_session_ends_when_the_program_does(
    autojump_clock: MockClock, announced: bool
) -> None:
    async with open_program(facade="dashboard") as program, session(program) as socket:
        await message(socket)
        program.stop.request()
        if announced:
            publish(program, ProgramStopping())
        assert await message(socket) == {"type": "ProgramStopping"}
        with pytest.raises(ConnectionClosed) as caught:
            await socket.get_message()
        assert _reason(caught.value.reason) == (1001, "GOING_AWAY")
        began = trio.current_time()
        await program.front.finished()
        assert trio.current_time() - began <= 1  # in which the client may close its end


@pytest.mark.parametrize("how", ["closes", "breaks off", "goes on sending"])
async def test_a_session_ends_when_its_client_leaves(autojump_clock: MockClock, how: str) -> None:
    async with open_program(facade="dashboard") as program:
        async with session(program) as socket:
            await message(socket)
            for _ in range(200):
                await socket.send_message("x" * 2000)
            if how == "closes":
                await socket.aclose()
            elif how == "goes on sending":
                await socket.ping(b"still here")
                publish(program, RunnerChanged("a", "ready"))
                assert (await message(socket))["state"] == "ready"
        await program.front.finished()
        publish(program, RunnerChanged("a", "ready"))  # nobody is left to be told


@pytest.mark.parametrize(
    "offer",
    [
        {"sec-websocket-extensions": "permessage-deflate"},
        {"sec-websocket-extensions": "permessage-deflate; server_max_window_bits=x"},
        {"sec-websocket-extensions": "\xff"},
        {"sec-websocket-protocol": "\xff, "},
    ],
)
async def test_offers_that_come_with_a_handshake_are_passed_over(
    autojump_clock: MockClock, offer: dict[str, str]
) -> None:
    async with open_program(facade="dashboard") as program:
        client = program.client()
        await client.send(request_bytes("GET", "/api/events", headers={**HANDSHAKE, **offer}))
        head = (await client.receive()).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"extensions" not in head and b"protocol" not in head


async def test_a_session_that_does_not_read_is_dropped(autojump_clock: MockClock) -> None:
    config = AppConfig(limits=LimitsConfig(write_timeout=5))
    async with open_program(facade="dashboard", config=config) as program:
        client = program.client()
        await client.send(request_bytes("GET", "/api/events", headers=HANDSHAKE))
        assert b" 101 " in await client.receive()
        began = trio.current_time()
        with trio.move_on_after(60) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_flood, program)
                await program.front.finished()
                nursery.cancel_scope.cancel()
        assert not scope.cancelled_caught
        assert trio.current_time() - began < 10


async def _flood(program: Program) -> None:
    while True:
        for _ in range(100):
            publish(program, RunnerChanged("a", "ready", "x" * 1000))
        await trio.sleep(0.01)
