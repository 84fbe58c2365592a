"""An engine whose answers do not end, and what the system holds of them on their way."""

from __future__ import annotations

import socket
from collections.abc import Callable

from attrs import define, field

from tests.support.memory_network import socket_pair
from tests.support.scripted_engine import Asked, EngineConnection

Pair = Callable[[], tuple[socket.socket, socket.socket]]

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 %b\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":"xy"}}]}\n\n'


@define(eq=False)
class Endless:
    """Repeats ``piece`` behind ``head`` for as long as somebody takes it."""

    piece: bytes = TOKEN
    head: bytes = HEAD % b"200 OK"
    sent: int = field(default=0, init=False)
    """Bytes of pieces that were taken, by us or by the system on our behalf."""

    async def __call__(self, asked: Asked, connection: EngineConnection) -> None:
        await connection.send(self.head)
        pieces = self.piece * max(1, 4096 // len(self.piece))
        while True:
            await connection.chunk(pieces)
            self.sent += len(pieces)


def in_sockets(pair: Pair = socket_pair, piece: int = 65536) -> int:
    """Return how many bytes a pair of sockets holds at most that nobody reads."""
    ours, theirs = pair()
    with ours, theirs:
        sent = 0
        while True:
            try:
                sent += ours.send(b"x" * piece)
            except BlockingIOError:
                return sent
