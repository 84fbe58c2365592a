"""A whole program behind a listener on a real loopback socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio
from attrs import evolve

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.address import bind
from llama_runner.http.listener import listen
from tests.support.http_client import RawClient, request_bytes
from tests.support.program import STREAM, Program, open_program
from tests.support.scripted_engine import FOREVER, Script, ScriptedEngine, TokenScript

SOON = 5.0
"""Seconds within which whatever need not wait must be over, on the slowest machine."""

MODELS = request_bytes("GET", "/v1/models")
ENDLESS = TokenScript(tokens=FOREVER, every=0.01)


class Listening:
    """A listener in front of a whole program."""

    def __init__(self, program: Program, port: int) -> None:
        self.program, self.port = program, port
        self.ended = trio.Event()
        self.clients: list[RawClient] = []

    async def connect(self) -> RawClient:
        """Return a new connection over TCP."""
        with trio.socket.socket() as sock:
            await sock.connect(("127.0.0.1", self.port))
            return self.adopt(sock)

    def adopt(self, sock: trio.socket.SocketType) -> RawClient:
        """Return a connection that was made elsewhere as one of ours."""
        ours = socket.socket(fileno=sock.detach())
        ours.setblocking(False)
        self.clients.append(RawClient(ours))
        return self.clients[-1]

    async def streaming(self) -> RawClient:
        """Return a connection on which an answer has begun."""
        client = await self.connect()
        await client.send(request_bytes(body=STREAM))
        data = b""
        while b"t1 " not in data:
            data += await client.receive()
        return client


@asynccontextmanager
async def listening(
    script: Script = ENDLESS,
    *,
    grace: float = 60.0,
    limits: LimitsConfig | None = None,
    slots: int = 2,
) -> AsyncIterator[Listening]:
    """Listen while the block lasts; fail if it takes for ever."""
    with trio.fail_after(50):
        async with open_program(engine=ScriptedEngine(script), slots=slots) as program:
            site = program.front._site
            site = evolve(site, limits=limits) if limits else site
            sock = bind("127.0.0.1", 0)
            listener = Listening(program, sock.getsockname()[1])
            async with trio.open_nursery() as nursery:
                serve = partial(listen, sock, site, program.stop, grace=grace)
                nursery.start_soon(_until_ended, serve, listener)
                try:
                    yield listener
                finally:
                    for client in listener.clients:
                        client.close()
                    nursery.cancel_scope.cancel()
            assert sock.fileno() == -1


async def _until_ended(serve: Callable[[], object], listener: Listening) -> None:
    await serve()  # type: ignore[misc]
    listener.ended.set()
