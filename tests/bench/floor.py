"""The floor: a relay on bare Trio that reads no more than it must.

No checks, no limits, no queue, no record, and nobody notices a client that
leaves before the next piece: what is left is the least that Trio costs.
"""

from __future__ import annotations

import json
import socket

import trio

from tests.bench.serving import run

RECEIVE_BYTES = 65536
HEAD_END = b"\r\n\r\n"
BODY_END = b"0\r\n\r\n"


class Floor:
    """Relays to one upstream, over connections that are used again."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._idle: list[trio.SocketStream] = []

    async def serve(self, client: trio.SocketStream) -> None:
        """Serve one connection to its end."""
        received = b""
        try:
            async with client:
                while whole := await _request(client, received):
                    request, received = whole
                    await self._relay(client, request)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _relay(self, client: trio.SocketStream, request: bytes) -> None:
        upstream = self._idle.pop() if self._idle else await self._connect()
        try:
            await upstream.send_all(request)
            await _pass_on(upstream, client)
        except BaseException:
            upstream.socket.close()
            raise
        self._idle.append(upstream)

    async def _connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self._upstream)


async def _request(client: trio.SocketStream, received: bytes) -> tuple[bytes, bytes] | None:
    """Return the next request and what came behind it."""
    while (end := received.find(HEAD_END)) < 0:
        data = await client.receive_some(RECEIVE_BYTES)
        if not data:
            return None
        received += data
    whole = end + len(HEAD_END) + _body_length(received[:end])
    while len(received) < whole:
        received += await client.receive_some(RECEIVE_BYTES)
    assert json.loads(received[end + len(HEAD_END) : whole])["model"]
    return received[:whole], received[whole:]


def _body_length(head: bytes) -> int:
    found = head.lower().partition(b"content-length:")[2]
    return int(found.partition(b"\r\n")[0] or 0)


async def _pass_on(upstream: trio.SocketStream, client: trio.SocketStream) -> None:
    """Hand on one answer as it comes; its framing is the client's too."""
    data = await upstream.receive_some(RECEIVE_BYTES)
    length = _body_length(data[: data.find(HEAD_END)])
    missing = length + data.find(HEAD_END) + len(HEAD_END) if length else None
    while True:
        await client.send_all(data)
        if missing is not None:
            missing -= len(data)
        if data.endswith(BODY_END) if missing is None else missing <= 0:
            return
        data = await upstream.receive_some(RECEIVE_BYTES)
        if not data:
            raise trio.BrokenResourceError("the upstream has gone")


async def serve(sock: socket.socket, upstream: int, ended: trio.Event) -> None:
    """Serve on ``sock`` until ``ended``."""
    listener = trio.SocketListener(trio.socket.from_stdlib_socket(sock))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, Floor(upstream).serve, [listener])
        await ended.wait()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    run(serve)
