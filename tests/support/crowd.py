"""Many clients of one program at once, and what each of them is told to the very end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import trio
from attrs import define, field, frozen

from tests.support.http_client import RawClient, Reply
from tests.support.served_program import ServedProgram

ENDED = b"data: [DONE]\n\n"

Converse = Callable[[RawClient, trio.Event], Awaitable[Reply]]
"""Asks for one answer and returns it whole; sets the event once it has come far enough."""


@frozen
class Told:
    """What a client was told, and when the connection was closed."""

    reply: Reply
    closed_at: float

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream, which must have ended as a stream of OpenAI's does."""
        assert self.reply.headers["content-type"].startswith("text/event-stream")
        assert self.reply.body.endswith(ENDED)
        lines = [
            line.removeprefix(b"data: ")
            for line in self.reply.body.removesuffix(ENDED).split(b"\n")
            if line and not line.startswith(b":")
        ]
        return [json.loads(line) for line in lines]

    @property
    def finished(self) -> bool:
        """Whether the answer came to its own end."""
        choices = self.events[-1].get("choices", [{}])
        return bool(choices[0].get("finish_reason") == "stop")

    @property
    def code(self) -> str:
        """The code of the error at its end."""
        fields = self.events[-1] if self.reply.status == 200 else self.reply.json
        return str(fields["error"]["code"])


@define(eq=False)
class Crowd:
    """Many clients of one program, and what each of them is told until it is hung up on."""

    program: ServedProgram
    nursery: trio.Nursery
    told: dict[str, list[Told]] = field(factory=dict, init=False)

    async def join(self, kind: str, count: int, converse: Converse, port: str = "lmstudio") -> None:
        """Add clients; return when each of them has come as far as it says."""
        arrivals = [trio.Event() for _ in range(count)]
        for arrived in arrivals:
            self.nursery.start_soon(self._stay, kind, port, converse, arrived)
        for arrived in arrivals:
            await arrived.wait()

    async def _stay(self, kind: str, port: str, converse: Converse, arrived: trio.Event) -> None:
        client = await connected(self.program, port)
        reply = await converse(client, arrived)
        assert await client.until_closed() == b""
        client.close()
        self.told.setdefault(kind, []).append(Told(reply, time.monotonic()))


async def connected(
    program: ServedProgram, port: str = "lmstudio", receive_buffer: int = 0
) -> RawClient:
    address = urlsplit(program.ready[port])
    sock = trio.socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await sock.connect((address.hostname, address.port))
    plain = socket.socket(fileno=sock.detach())
    plain.setblocking(False)
    return RawClient(plain)


def scripted_chat(scripted: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    return {"model": "a", "messages": [], "stream": stream, "scripted": scripted}


async def streaming(client: RawClient, arrived: trio.Event, *, scripted: dict[str, Any]) -> Reply:
    """Ask for a stream; arrived with its first piece, be it a token or a heartbeat."""
    await client.request(body=scripted_chat(scripted, stream=True))
    head = await client.head()
    body = b""
    async for piece in client.pieces():
        if not body:
            arrived.set()
        body += piece
    return Reply(head.status_code, {k.decode(): v.decode() for k, v in head.headers}, body)


async def asking(client: RawClient, arrived: trio.Event, *, scripted: dict[str, Any]) -> Reply:
    """Ask for a whole answer; arrived with the question."""
    await client.request(body=scripted_chat(scripted, stream=False))
    arrived.set()
    return await client.reply()


async def idling(client: RawClient, arrived: trio.Event, *, path: str) -> Reply:
    """Ask for something small, and then for nothing more."""
    await client.request("GET", path=path)
    reply = await client.reply()
    arrived.set()
    return reply
