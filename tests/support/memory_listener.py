"""A listening socket without a network, whose clients come from wherever a test says."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from llama_runner.http.listener import listen
from tests.support.http_client import RawClient
from tests.support.program import Program


class _Arrived(socket.socket):
    """Our end of a connection, as TCP would show it."""

    address = "127.0.0.1"

    def getpeername(self) -> tuple[str, int]:
        return self.address, 50000

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 1234

    def setsockopt(self, level: int, *option: object) -> None:
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, *option)  # type: ignore[call-overload]


class MemoryListener(socket.socket):
    """Accepts what ``connect`` made, or fails as it is told, through real readiness."""

    def __init__(self) -> None:
        ours, self._bell = socket.socketpair()
        super().__init__(ours.family, ours.type, 0, ours.detach())
        self.setblocking(False)
        self._waiting: deque[_Arrived] = deque()
        self.failures: deque[int] = deque()
        """Error numbers with which the next calls of accept fail."""
        self.failed = 0
        self.clients: list[RawClient] = []

    def connect(self, address: str = "127.0.0.1") -> RawClient:  # type: ignore[override]
        """Return the client's end of a new connection from ``address``."""
        ours, theirs = socket.socketpair()
        arrived = _Arrived(theirs.family, theirs.type, 0, theirs.detach())
        arrived.address = address
        if not self._waiting:
            self._bell.send(b"x")  # readable for as long as somebody waits
        self._waiting.append(arrived)
        ours.setblocking(False)
        self.clients.append(RawClient(ours))
        return self.clients[-1]

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        """Return the next connection, as a socket that listens does."""
        if self.failures:
            self.failed += 1
            number = self.failures.popleft()
            raise OSError(number, os.strerror(number))
        if not self._waiting:
            raise BlockingIOError
        arrived = self._waiting.popleft()
        if not self._waiting:
            self.recv(1)
        return arrived, arrived.getpeername()

    def close(self) -> None:
        """Close it, and what nobody accepted."""
        for end in (*self._waiting, self._bell):
            end.close()
        super().close()


@asynccontextmanager
async def listening_in_memory(program: Program) -> AsyncIterator[MemoryListener]:
    """Serve the program's facade through a listener while the block lasts."""
    listener = MemoryListener()
    async with trio.open_nursery() as nursery:
        run = partial(listen, listener, program.front._site, program.stop, grace=1.0)
        nursery.start_soon(run)
        try:
            yield listener
        finally:
            for client in listener.clients:
                client.close()
            nursery.cancel_scope.cancel()
