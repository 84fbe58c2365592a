"""A client that sees every byte and the moment it came; h11 parses the answers."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncGenerator
from typing import Any

import h11
import trio
from attrs import define, field


@define
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request_bytes(
    method: str = "POST",
    path: str = "/v1/chat/completions",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Return a request, its body as JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
    fields = {"host": "localhost:1234", **(headers or {})}
    if content or method == "POST":
        fields.setdefault("content-length", str(len(content)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


@define(eq=False)
class RawClient:
    """One connection to the front."""

    sock: socket.socket
    _parser: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT), init=False)

    async def send(self, data: bytes) -> None:
        while data:
            await trio.lowlevel.wait_writable(self.sock)
            data = data[self.sock.send(data) :]

    async def receive(self) -> bytes:
        """Return what came; nothing at the end of the connection."""
        while True:
            await trio.lowlevel.wait_readable(self.sock)
            try:
                return self.sock.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return b""

    async def until_closed(self) -> bytes:
        """Return all that still comes."""
        pieces = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    async def request(self, method: str = "POST", **request: Any) -> None:
        """Send a request; its answer is read by ``reply`` or ``pieces``."""
        data = request_bytes(method, **request)
        self._parser = h11.Connection(h11.CLIENT)
        self._parser.send(h11.Request(method=method, target="/", headers=[("host", "localhost")]))
        self._parser.send(h11.EndOfMessage())
        await self.send(data)

    async def reply(self) -> Reply:
        """Return the whole answer to the request."""
        head = await self.head()
        body = b"".join([piece async for piece in self.pieces()])
        headers = {name.decode(): value.decode() for name, value in head.headers}
        return Reply(head.status_code, headers, body)

    async def head(self) -> h11.Response:
        """Return the answer's head."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the payload as it comes, to its proper end."""
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            assert isinstance(event, h11.Data), event
            yield bytes(event.data)

    async def _next(self) -> Any:
        while (event := self._parser.next_event()) is h11.NEED_DATA:
            self._parser.receive_data(await self.receive())
        return event

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            trio.lowlevel.notify_closing(self.sock)
            self.sock.close()
