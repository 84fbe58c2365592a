"""Sockets without a network: the real front and the real pool over socket pairs.

Nothing of ours is replaced: bytes go through real, non-blocking sockets, only
nobody connects over TCP. Works on the virtual clock.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field

Serve = Callable[[socket.socket], Awaitable[None]]


class _NamedSocket(socket.socket):
    """One end of a pair that has TCP's names, which a front asks for."""

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 50000

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 1234


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return two connected, non-blocking sockets."""
    ends = [_NamedSocket(end.family, end.type, 0, end.detach()) for end in socket.socketpair()]
    for end in ends:
        end.setblocking(False)
    return ends[0], ends[1]


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a TCP connection, non-blocking, for what only TCP has."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        theirs, _ = listening.accept()
    for end in (ours, theirs):
        end.setblocking(False)
    return ours, theirs


@define(eq=False)
class MemoryNetwork:
    """Connects clients to ``front`` and the pool to ``engine``, in tasks of ``nursery``."""

    nursery: trio.Nursery
    engine: Serve
    front: Serve | None = None
    upstream: list[socket.socket] = field(factory=list, init=False)
    """The engine's ends of the connections to it, in order."""

    async def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the engine, as the pool does."""
        await trio.lowlevel.checkpoint()
        ours, theirs = socket_pair()
        self.upstream.append(theirs)
        self.nursery.start_soon(self.engine, theirs)
        return ours

    def client(self) -> socket.socket:
        """Return a client's end of a new connection to the front."""
        assert self.front is not None
        ours, theirs = socket_pair()
        self.nursery.start_soon(self.front, theirs)
        return ours
