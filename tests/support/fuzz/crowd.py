"""Fuzzed connections over loopback, in real time, many at once."""

from __future__ import annotations

import math
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from llama_runner.platforms.resetting import reset_when_closed
from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from llama_runner.http.address import bind
from llama_runner.http.listener import listen
from tests.support.fuzz.connection import Ending, Fuzzed
from tests.support.fuzz.fuzzable import Fuzzable
from tests.support.fuzz.judge import Heard
from tests.support.fuzz.wrong import Wrong

PATIENCE = 0.5
"""Seconds of silence after which a client leaves; its body may come for longer than that."""
HASTY = AppConfig(limits=LimitsConfig(head_timeout=0.2, idle_timeout=0.1, write_timeout=2.0))
SOON = 30.0


@asynccontextmanager
async def listening(program: Fuzzable) -> AsyncIterator[dict[str, int]]:
    """Listen for each facade while the block lasts; yield the ports.

    Raises:
        Wrong: some connection's task goes on though its client has left.
    """
    bound = {facade: bind("127.0.0.1", 0) for facade in program.sites}
    async with trio.open_nursery() as nursery:
        for facade, sock in bound.items():
            stop = program.programs[facade].stop
            serve = partial(listen, sock, program.sites[facade], stop, grace=math.inf)
            nursery.start_soon(serve)  # noqa: ASYNC113 - connections queue until it accepts
        yield {facade: sock.getsockname()[1] for facade, sock in bound.items()}
        for served in program.programs.values():
            served.stop.request()
        nursery.cancel_scope.deadline = trio.current_time() + SOON
    if nursery.cancel_scope.cancelled_caught:
        raise Wrong("a connection is held though every client has left")


async def hold(port: int, fuzzed: Fuzzed, heard: Heard) -> None:
    """Hold one connection until either side leaves."""
    with trio.socket.socket() as sock:
        await sock.connect(("127.0.0.1", port))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_listen, sock, heard, nursery.cancel_scope)
            await _send(sock, fuzzed)
            if fuzzed.ending is Ending.LEAVES:
                if not fuzzed.stays:
                    reset_when_closed(sock)
                await trio.sleep(min(fuzzed.stays, 0.02))
                nursery.cancel_scope.cancel()


async def _listen(sock: trio.socket.SocketType, heard: Heard, over: trio.CancelScope) -> None:
    with trio.CancelScope() as silence:
        try:
            while not heard.closed:
                silence.deadline = trio.current_time() + PATIENCE
                data = await sock.recv(65536)
                heard.output += data
                heard.closed = not data
        except OSError:
            pass  # a reset, for what it had not read: the last answer may be lost with it
    over.cancel()


async def _send(sock: trio.socket.SocketType, fuzzed: Fuzzed) -> None:
    try:
        for data, pause in fuzzed.writes:
            rest = memoryview(data)
            while rest:
                rest = rest[await sock.send(rest) :]
            if pause is not None:
                await trio.sleep(min(pause, 0.002))
        if fuzzed.ending is Ending.HALF_CLOSES:
            sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # refused, and closed, before all was sent
