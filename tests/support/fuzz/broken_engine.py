"""An engine that answers with whatever bytes it is told to, and hangs up."""

from __future__ import annotations

import socket

import h11
from attrs import define

from tests.support.scripted_engine import EngineConnection


@define(eq=False)
class BrokenEngine:
    """Answers every request with ``reply``, one piece after the other."""

    reply: tuple[bytes, ...] = ()
    hangs_up: bool = True
    """Whether it closes the connection then."""

    async def serve(self, sock: socket.socket) -> None:
        """Answer on one connection for as long as it lasts."""
        with sock:
            connection = EngineConnection(sock)
            try:
                while await _take_request(connection):
                    for piece in self.reply:
                        await connection.send(piece)
                    if self.hangs_up:
                        return
            except OSError:
                return  # the other side had enough


async def _take_request(connection: EngineConnection) -> bool:
    parser = h11.Connection(h11.SERVER)
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            if not (data := await connection.receive()):
                return False
            parser.receive_data(data)
    return True
