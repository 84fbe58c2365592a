"""A llama-server that answers as scripted and writes down what it was asked."""

from __future__ import annotations

import json
import math
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import h11
import trio
from attrs import define, field

from llama_runner.concurrency.first import first

TIMINGS = {"cache_n": 0, "prompt_n": 8, "predicted_n": 3, "prompt_ms": 1.0, "predicted_ms": 3.0}


@define(eq=False)
class Asked:
    """One request that reached the engine, and when its connection was closed early."""

    path: str
    headers: dict[str, str]
    body: Any
    at: float
    closed_at: float | None = None


@define(eq=False)
class EngineConnection:
    """The engine's end of one connection."""

    sock: socket.socket

    async def send(self, data: bytes) -> None:
        while data:
            await trio.lowlevel.wait_writable(self.sock)
            try:
                data = data[self.sock.send(data) :]
            except BlockingIOError:
                continue

    async def receive(self) -> bytes:
        while True:
            await trio.lowlevel.wait_readable(self.sock)
            try:
                return self.sock.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return b""

    async def start_stream(self) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked"
        await self.send(head + b"\r\naccess-control-allow-origin: *\r\n\r\n")

    async def event(self, fields: Any) -> None:
        data = fields if isinstance(fields, str) else json.dumps(fields)
        await self.chunk(f"data: {data}\n\n".encode())

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def whole(self, status: int, fields: Any) -> None:
        body = json.dumps(fields).encode()
        head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await self.send(head % (status, len(body)) + body)


Script = Callable[[Asked, EngineConnection], Awaitable[None]]


@define
class TokenScript:
    """Answers any generation with ``tokens`` tokens, ``every`` seconds apart.

    The prompt is read in ``batches`` steps, ``batch_takes`` seconds each; ``padding``
    makes every token so many bytes longer.
    """

    tokens: float = 3
    padding: int = 0
    every: float = 0.0
    batches: int = 1
    batch_takes: float = 0.0

    async def __call__(self, asked: Asked, connection: EngineConnection) -> None:
        await connection.start_stream()
        for batch in range(self.batches + 1):
            progress = {"total": self.batches, "cache": 0, "processed": batch, "time_ms": 1}
            chunk = _chunk({"role": "assistant", "content": None})
            await connection.event({**chunk, "prompt_progress": progress})
            await trio.sleep(self.batch_takes)
        await connection.event(_chunk({"role": "assistant", "content": None}))
        number, padding = 0, "x" * self.padding
        while number < self.tokens:
            await connection.event(_chunk({"content": f"t{number} {padding}"}))
            await trio.sleep(self.every)
            number += 1
        await connection.event({**_chunk({}, "stop"), "timings": TIMINGS})
        await connection.event("[DONE]")
        await connection.end()


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "delta": delta}
    return {"choices": [choice], "object": "chat.completion.chunk", "id": "c1", "model": "m"}


@define(eq=False)
class ScriptedEngine:
    """Serves connections; ``script`` may be replaced between requests."""

    script: Script = field(factory=TokenScript)
    asked: list[Asked] = field(factory=list, init=False)
    bytes_received: int = field(default=0, init=False)

    async def serve(self, sock: socket.socket) -> None:
        """Answer the requests of one connection, one after the other."""
        with sock:
            connection = EngineConnection(sock)
            while (asked := await self._read(connection)) is not None:
                self.asked.append(asked)
                closed = trio.Event()
                await first(
                    partial(self._answer, asked, connection, closed),
                    partial(self._watch, connection, closed),
                )
                if closed.is_set():
                    asked.closed_at = trio.current_time()
                    return

    async def _answer(self, asked: Asked, connection: EngineConnection, closed: trio.Event) -> None:
        try:
            await self.script(asked, connection)
        except OSError:
            closed.set()

    async def _watch(self, connection: EngineConnection, closed: trio.Event) -> None:
        await trio.lowlevel.wait_readable(connection.sock)
        closed.set()

    async def _read(self, connection: EngineConnection) -> Asked | None:
        parser, body = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 28), b""
        asked = None
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                data = await connection.receive()
                self.bytes_received += len(data)
                if not data and asked is None:
                    return None
                parser.receive_data(data)
            elif isinstance(event, h11.Request):
                headers = {name.decode(): value.decode() for name, value in event.headers}
                asked = Asked(event.target.decode(), headers, None, trio.current_time())
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert asked is not None
                asked.body = json.loads(body) if body else None
                return asked
            else:
                return None


FOREVER = math.inf
