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
from typing import Any

import trio
from attrs import define, field, frozen
from h11 import LocalProtocolError
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.answer import Answer, Headers
from llama_runner.http.client import ClientGone, ClientTooSlow
from llama_runner.http.replay import replay
from llama_runner.wire.body import Body
from llama_runner.wire.request_head import RequestHead

logger = logging.getLogger(__name__)

ASGIApp = ASGIFramework
Address = tuple[str, int]

PIECE_BYTES = 4096
"""Bytes of a websocket that are dealt with at once: hundreds of messages, if they are small."""

_CLOSE_FRAME = b"\x88"  # RFC 6455, 5.2


@frozen
class Application:
    """An ASGI application and what Hypercorn must know to serve it."""

    app: ASGIFramework
    limits: LimitsConfig

    async def serve(
        self, answer: Answer, addresses: tuple[Address, Address], head: RequestHead, body: Body
    ) -> None:
        """Give the answer to one request, or serve one websocket."""
        exchange = _Exchange(answer, head.wants_websocket, self.limits.max_message_rate)
        try:
            async with TaskGroup() as tasks:
                peer, local = addresses
                protocol: Any = H11Protocol(  # noqa: FBT003 - no TLS
                    ASGIWrapper(self.app),
                    _Config.build(self.limits, answer.extra_headers),
                    WorkerContext(None),
                    tasks,
                    ConnectionState({}),
                    False,
                    peer,
                    local,
                    exchange.send,
                )
                await exchange.run(protocol, replay(head, body))
        except* LocalProtocolError:
            # Hypercorn ends what was cancelled within a write by a second answer.
            if not exchange.cut:
                raise
        await trio.lowlevel.checkpoint_if_cancelled()


class _Config(Config):
    """Hypercorn's configuration, less what the front does itself."""

    extra_headers: Headers = ()

    @classmethod
    def build(cls, limits: LimitsConfig, extra_headers: Headers) -> _Config:
        config = cls()
        config.errorlog = logger
        config.accesslog = None
        config.include_server_header = False
        config.h11_max_incomplete_size = limits.max_head_bytes + 1
        config.websocket_max_message_size = limits.max_message_bytes
        config.extra_headers = extra_headers
        return config

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        return [*super().response_headers(protocol), *self.extra_headers]


@define(eq=False)
class _Exchange:
    """What Hypercorn sends, and when it is done."""

    answer: Answer
    upgrades: bool
    """Whether a websocket is asked for: all that the client sends behind it is fed."""
    message_rate: int
    cut: bool = field(default=False, init=False)
    """Whether a write was cancelled."""
    _accepted: trio.Event = field(factory=trio.Event, init=False)
    _ended: trio.Event = field(factory=trio.Event, init=False)
    _writing: trio.Lock = field(factory=trio.Lock, init=False)

    async def run(self, protocol: Any, request: bytes) -> None:
        """Feed the request, wait for the end of the answer, then end what is left."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._feed, protocol, request)
            await self._ended.wait()
            nursery.cancel_scope.cancel()
        if not self.answer.finished:
            await protocol.handle(Closed())

    async def _feed(self, protocol: Any, request: bytes) -> None:
        await protocol.handle(RawData(request))
        if not self.upgrades:
            return
        # Hypercorn fails on what comes before it has accepted, or after it has refused.
        await self._accepted.wait()
        with self.answer.client.consuming():
            try:
                while True:
                    data = await self.answer.client.some(PIECE_BYTES)
                    await protocol.handle(RawData(data))
                    await trio.sleep(len(data) / self.message_rate)
            except ClientGone:
                self._ended.set()

    async def send(self, event: Event) -> None:
        """Take an event from Hypercorn; never raises for a client that left."""
        if isinstance(event, RawData):
            await self._write(event.data)
        elif isinstance(event, Updated) and event.idle:
            self.answer.finished = True  # and the connection can be used again
            self._ended.set()
        elif isinstance(event, Closed):
            self._ended.set()

    async def _write(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 101 "):
            self._accepted.set()
        elif self.upgrades and data.startswith(b"HTTP/1.1 "):
            # Nothing follows a refusal, which Hypercorn leaves to be guessed (RFC 9112, 9.6).
            line, end, rest = data.partition(b"\r\n")
            data = line + end + b"connection: close\r\n" + rest
        try:
            async with self._writing:
                self.answer.started = True
                await self.answer.client.send(data)
        except (ClientGone, ClientTooSlow):
            self._ended.set()
        except trio.Cancelled:
            self.cut = True
            raise
        if self._accepted.is_set() and data.startswith(_CLOSE_FRAME):
            # Hypercorn goes on reading behind its own; the client has said enough.
            self._ended.set()
