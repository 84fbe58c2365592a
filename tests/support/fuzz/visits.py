"""Makes a fuzzed connection and sees it to its end."""

from __future__ import annotations

import socket

import trio
from trio.testing import wait_all_tasks_blocked

from llama_runner.http.front import Front
from tests.support.fuzz.connection import Ending, Fuzzed
from tests.support.fuzz.judge import Heard
from tests.support.fuzz.wrong import Wrong
from tests.support.http_client import RawClient
from tests.support.memory_network import socket_pair

PATIENCE = 600.0
"""Virtual seconds within which everything ends: each wait for a client has a bound."""


async def visit(front: Front, fuzzed: Fuzzed, heard: Heard) -> None:
    """Hold the connection over a socket pair, on the virtual clock.

    Raises:
        Wrong: the connection, or its task, does not end.
    """
    ours, theirs = socket_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(front.serve, theirs)
        with ours:
            await _hold(RawClient(ours), fuzzed, heard)
        with trio.move_on_after(PATIENCE) as scope:
            await front.finished()
        if scope.cancelled_caught:
            raise Wrong("the front still holds the connection")


async def _hold(client: RawClient, fuzzed: Fuzzed, heard: Heard) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_listen, client, heard, nursery.cancel_scope)
        await _send(client, fuzzed)
        if fuzzed.ending is Ending.LEAVES:
            await trio.sleep(fuzzed.stays)
            nursery.cancel_scope.cancel()
        if fuzzed.ending is Ending.HALF_CLOSES:
            _half_close(client)
        await trio.sleep(PATIENCE)
        # A websocket may stay for as long as it likes, unless its client has left.
        if b"HTTP/1.1 101 " not in heard.output or fuzzed.ending is not Ending.WAITS:
            raise Wrong("the connection does not end")
        nursery.cancel_scope.cancel()


async def _listen(client: RawClient, heard: Heard, over: trio.CancelScope) -> None:
    while data := await client.receive():
        heard.output += data
    heard.closed = True
    over.cancel()


async def _send(client: RawClient, fuzzed: Fuzzed) -> None:
    try:
        for data, pause in fuzzed.writes:
            await client.send(data)
            if pause:
                await trio.sleep(pause)
            elif pause is not None:
                await wait_all_tasks_blocked()
    except OSError:
        pass  # refused, and closed, before all was sent


def _half_close(client: RawClient) -> None:
    try:
        client.sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass
