"""One request, or one websocket, served by Quart-Trio through Hypercorn's protocol stack.

Hypercorn's own server would own the connection for good: its writes are
shielded without a deadline, its idle timer is not restarted after an answer,
and it stops reading while an answer runs. So the connection stays ours, and
each request that is not a relay route gets a fresh ``H11Protocol`` to itself.
The modules used are not documented API: hypercorn is pinned to 0.18, and
``tests/integration/test_application.py`` holds the contract.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import trio
from attrs import define, field, frozen
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from llama_runner.http.client import Client, ClientGone, ClientTooSlow
from llama_runner.wire.request_head import HeadError, RequestHead

logger = logging.getLogger(__name__)

ASGIApp = ASGIFramework
Address = tuple[str, int]
Headers = Sequence[tuple[bytes, bytes]]


@frozen
class Application:
    """An ASGI application and what Hypercorn must know to serve it."""

    app: ASGIApp
    max_head_bytes: int

    async def serve(
        self,
        client: Client,
        addresses: tuple[Address, Address],
        head: RequestHead,
        incoming: AsyncGenerator[bytes, None],
        extra_headers: Headers,
    ) -> bool:
        """Answer one request whose body is ``incoming``; tell whether the connection lives on.

        For a websocket ``incoming`` is all that the client sends from then on.
        """
        exchange = _Exchange(client)
        async with TaskGroup() as tasks:
            peer, local = addresses
            protocol: Any = H11Protocol(  # noqa: FBT003 - no TLS
                ASGIWrapper(self.app),
                _Config.build(self.max_head_bytes, extra_headers),
                WorkerContext(None),
                tasks,
                ConnectionState({}),
                False,
                peer,
                local,
                exchange.send,
            )
            await exchange.run(protocol, head, incoming)
        return exchange.reusable


class _Config(Config):
    """Hypercorn's configuration, less what the front does itself."""

    extra_headers: Headers = ()

    @classmethod
    def build(cls, max_head_bytes: int, extra_headers: Headers) -> _Config:
        config = cls()
        config.errorlog = logger
        config.accesslog = None
        config.include_server_header = False
        config.h11_max_incomplete_size = max_head_bytes + 1
        config.extra_headers = extra_headers
        return config

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        return [*super().response_headers(protocol), *self.extra_headers]


@define(eq=False)
class _Exchange:
    """What Hypercorn sends, and when it is done."""

    client: Client
    reusable: bool = field(default=False, init=False)
    _begun: bool = field(default=False, init=False)
    _failure: HeadError | None = field(default=None, init=False)
    _ended: trio.Event = field(factory=trio.Event, init=False)
    _writing: trio.Lock = field(factory=trio.Lock, init=False)

    async def run(
        self, protocol: Any, head: RequestHead, incoming: AsyncGenerator[bytes, None]
    ) -> None:
        """Feed the request, wait for the end of the answer, then end what is left."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._feed, protocol, head, incoming)
            await self._ended.wait()
            nursery.cancel_scope.cancel()
        if not self.reusable:
            await protocol.handle(Closed())
        if self._failure is not None and not self._begun:
            raise self._failure

    async def _feed(
        self, protocol: Any, head: RequestHead, incoming: AsyncGenerator[bytes, None]
    ) -> None:
        await protocol.handle(RawData(_without_http2_upgrade(head)))
        try:
            with self.client.consuming():
                async with aclosing(incoming) as pieces:
                    async for piece in pieces:
                        await protocol.handle(RawData(_framed(piece) if head.chunked else piece))
            if head.chunked:
                await protocol.handle(RawData(b"0\r\n\r\n"))
        except (ClientGone, ClientTooSlow):
            self._ended.set()
        except HeadError as error:
            self._failure = error
            self._ended.set()

    async def send(self, event: Event) -> None:
        """Take an event from Hypercorn; never raises for a client that left."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Updated) and event.idle:
            self.reusable = True
            self._ended.set()
        elif isinstance(event, Closed):
            self._ended.set()

    async def _write(self, data: bytes) -> None:
        self._begun = True
        async with self._writing:
            try:
                await self.client.send(data)
            except (ClientGone, ClientTooSlow):
                self._ended.set()


def _framed(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _without_http2_upgrade(head: RequestHead) -> bytes:
    """Return the head, less an h2c upgrade, which Hypercorn would take up (RFC 9110, 7.8)."""
    if head.header(b"http2-settings") is None and head.header(b"upgrade") != "h2c":
        return head.raw
    lines = head.raw.split(b"\r\n")
    dropped = (b"upgrade:", b"http2-settings:")
    return b"\r\n".join(line for line in lines if not line.lower().startswith(dropped))
