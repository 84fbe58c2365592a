"""Accepts connections on one bound socket, then stops in steps."""

from __future__ import annotations

import errno
import logging
import socket

import trio

from llama_runner.concurrency.stop import Stop
from llama_runner.http.front import Front, Site

logger = logging.getLogger(__name__)

LAST_WORDS = 1.0
"""Seconds in which interrupted answers may send their last event."""

_OUT_OF_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


async def listen(sock: socket.socket, site: Site, stop: Stop, *, grace: float) -> None:
    """Serve ``site`` on the bound, listening ``sock`` until ``stop``; closes the socket.

    On ``stop`` nothing is accepted any more and idle connections are hung up;
    answers in progress get ``grace`` seconds, then are interrupted, say their
    last word, and are cut.
    """
    front = Front(site, stop)
    limit = trio.CapacityLimiter(site.limits.max_connections)
    async with trio.open_nursery() as connections:
        with sock:
            async with trio.open_nursery() as accepting:
                accepting.start_soon(_accept, sock, front, limit, connections)
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


async def _accept(
    sock: socket.socket, front: Front, limit: trio.CapacityLimiter, connections: trio.Nursery
) -> None:
    while True:
        token = object()
        await limit.acquire_on_behalf_of(token)
        try:
            client = await _accept_one(sock)
        except BaseException:
            limit.release_on_behalf_of(token)
            raise
        connections.start_soon(_serve, front, client, limit, token)


async def _accept_one(sock: socket.socket) -> socket.socket:
    while True:
        await trio.lowlevel.wait_readable(sock)
        try:
            client, _ = sock.accept()
        except (BlockingIOError, ConnectionAbortedError):
            continue
        except OSError as error:
            if error.errno not in _OUT_OF_FILES:
                raise
            logger.warning("cannot accept a connection: %s", error)
            await trio.sleep(0.1)
            continue
        if _prepare(client):
            return client


def _prepare(client: socket.socket) -> bool:
    try:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except OSError:
        client.close()  # some systems refuse this once the client has left
        return False
    return True


async def _serve(
    front: Front, client: socket.socket, limit: trio.CapacityLimiter, token: object
) -> None:
    try:
        await front.serve(client)
    finally:
        limit.release_on_behalf_of(token)
