"""Accepts connections on one bound socket, then stops in steps."""

from __future__ import annotations

import socket
from contextlib import closing

import trio

from llama_runner.concurrency.stop import Stop
from llama_runner.http.acceptor import Acceptor
from llama_runner.http.door import Door
from llama_runner.http.front import Front, open_front
from llama_runner.http.site import Site

LAST_WORDS = 1.0
"""Seconds in which interrupted answers may send their last event."""


async def listen(sock: socket.socket, site: Site, stop: Stop, *, grace: float) -> None:
    """Serve ``site`` on the bound, listening ``sock`` until ``stop``; closes the socket.

    On ``stop`` nothing is accepted any more and idle connections are hung up;
    answers in progress get ``grace`` seconds, then are interrupted, say their
    last word, and are cut.
    """
    async with open_front(site, stop) as front, trio.open_nursery() as connections:
        with sock, closing(Acceptor(sock)) as acceptor:
            door = Door(acceptor, front, site, connections)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(door.keep)
                await stop.requested.wait()
                accepting.cancel_scope.cancel()
        front.hang_up_idle()
        await _finish(front, stop, grace)
        front.interrupt()
        connections.cancel_scope.deadline = trio.current_time() + LAST_WORDS


async def _finish(front: Front, stop: Stop, grace: float) -> None:
    """Wait until every answer is given, but no longer than ``grace`` or than patience lasts."""
    with trio.move_on_after(grace):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_hurried, stop, nursery.cancel_scope)
            await front.finished()
            nursery.cancel_scope.cancel()


async def _cancel_when_hurried(stop: Stop, scope: trio.CancelScope) -> None:
    await stop.hurried.wait()
    scope.cancel()
