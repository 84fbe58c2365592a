"""A server of model files on loopback, which spoils its answers as a test wants."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import trio
from attrs import define, field, frozen


@frozen
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]

    @property
    def range(self) -> tuple[int, int] | None:
        """The range that was asked for, its end exclusively."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        return (int(found[1]), int(found[2]) + 1) if found else None


@frozen
class Told:
    """An answer that is no file."""

    status: int
    fields: Any = None
    headers: dict[str, str] = field(factory=dict)

    def body(self) -> bytes:
        return self.fields if isinstance(self.fields, bytes) else orjson.dumps(self.fields)


@define(eq=False)
class ModelServer:
    """Answers with ``files`` by range; ``told`` holds what else there is, by path.

    ``amiss`` is looked at first: what it holds is answered in turn, instead. Each answer ends
    after the next of ``cuts`` bytes, or never if that is None. What ``spoil`` makes of a
    range's bytes is sent.
    """

    port: int
    files: dict[str, bytes] = field(factory=dict)
    told: dict[str, Told] = field(factory=dict)
    amiss: deque[Told] = field(factory=deque)
    cuts: deque[int | None] = field(factory=deque)
    spoil: Callable[[str, int, bytes], bytes] = field(default=lambda path, begin, data: data)
    knows_ranges: bool = True
    token: str | None = None
    chunk: int = 65_536
    pause: float = 0.0
    """Seconds before each chunk."""
    asked: list[Asked] = field(factory=list, init=False)
    sent: int = field(default=0, init=False)
    stops_after: int | None = None
    """Bytes after which nothing is sent any more; ``stopped`` tells it."""
    stopped: trio.Event = field(factory=trio.Event)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ranges(self, path: str) -> list[tuple[int, int] | None]:
        return [each.range for each in self.asked if each.path == path]

    async def serve(self, stream: trio.SocketStream) -> None:
        received = b""
        async with stream:
            try:
                while True:
                    while b"\r\n\r\n" not in received:
                        more = await stream.receive_some()
                        if not more:
                            return
                        received += more
                    head, _, received = received.partition(b"\r\n\r\n")
                    await self._answer(stream, _read(head.decode()))
            except (trio.BrokenResourceError, _Cut):
                return

    async def _answer(self, stream: trio.SocketStream, asked: Asked) -> None:
        self.asked.append(asked)
        path = asked.path.partition("?")[0]
        if self.amiss:
            await self._tell(stream, self.amiss.popleft())
        elif (
            self.token is not None and asked.headers.get("authorization") != f"Bearer {self.token}"
        ):
            await self._tell(stream, Told(401, {"error": "Invalid username or password."}))
        elif path in self.files:
            await self._send(stream, asked, self.files[path])
        else:
            await self._tell(stream, self.told.get(asked.path) or self.told.get(path, MISSING))

    async def _tell(self, stream: trio.SocketStream, told: Told) -> None:
        body = told.body()
        head = [f"HTTP/1.1 {told.status} x", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in told.headers.items()]
        await stream.send_all("\r\n".join([*head, "", ""]).encode() + body)

    async def _send(self, stream: trio.SocketStream, asked: Asked, data: bytes) -> None:
        begin, end, status = 0, len(data), "200 OK"
        told = ""
        if asked.range and self.knows_ranges:
            begin, end = asked.range
            status, told = "206 x", f"content-range: bytes {begin}-{end - 1}/{len(data)}\r\n"
        head = f"HTTP/1.1 {status}\r\n{told}content-length: {end - begin}\r\n\r\n"
        await stream.send_all(head.encode())
        data = self.spoil(asked.path, begin, data[begin:end])
        cut = self.cuts.popleft() if self.cuts else None
        for start in range(0, len(data), self.chunk):
            part = data[start : start + self.chunk]
            if cut is not None and start + len(part) > cut:
                self.sent += cut - start
                await stream.send_all(part[: cut - start])
                raise _Cut
            if self.pause:
                await trio.sleep(self.pause)
            await self._pass(stream, part)

    async def _pass(self, stream: trio.SocketStream, part: bytes) -> None:
        last = self.stops_after
        if last is not None and self.sent + len(part) >= last:
            # Others send meanwhile, and whoever waits for the stop changes what is read here.
            part, self.sent = part[: last - self.sent], last
            await stream.send_all(part)
            self.stopped.set()
            await trio.sleep_forever()
        self.sent += len(part)
        await stream.send_all(part)


MISSING = Told(404, {"error": "not found"})


class _Cut(Exception):
    """The connection ends here."""


def _read(head: str) -> Asked:
    first, *lines = head.split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Asked(first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs})


@asynccontextmanager
async def open_model_server(**given: Any) -> AsyncIterator[ModelServer]:
    """Serve while the block lasts."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server = ModelServer(listener.socket.getsockname()[1], **given)
        await nursery.start(trio.serve_listeners, server.serve, [listener])
        yield server
        nursery.cancel_scope.cancel()
