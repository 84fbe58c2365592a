"""What the measured programs have in common: ``python -m tests.bench.NAME UPSTREAM_PORT``.

Each prints the port on which it serves, and ends when its standard input does.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable

import trio

BACKLOG = 4096

Serve = Callable[[socket.socket, int, trio.Event], Awaitable[None]]
"""(listening socket, port of the upstream, set when it shall end)"""


def listening_socket() -> socket.socket:
    """Return a non-blocking socket that listens on a free port."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    sock.setblocking(False)
    return sock


def run(serve: Serve) -> None:
    """Run ``serve`` on a socket of its own until standard input ends."""
    _allow_many_files()
    trio.run(_run, serve, int(sys.argv[1]))


async def _run(serve: Serve, upstream: int) -> None:
    sock = listening_socket()
    print(sock.getsockname()[1], flush=True)
    ended = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, sock, upstream, ended)
        await trio.to_thread.run_sync(sys.stdin.read)
        ended.set()


def _allow_many_files() -> None:
    if sys.platform != "win32":  # where there is no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
