"""A front before an application of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from quart_trio import QuartTrio

from llama_runner.concurrency.stop import Stop
from llama_runner.config.limits import LimitsConfig
from llama_runner.facades.openai.errors import refusal
from llama_runner.facades.openai.quart_routes import add_error_handlers
from llama_runner.facades.quart_app import make_app
from llama_runner.http.access import Access
from llama_runner.http.application import Application
from llama_runner.http.front import Front, open_front
from llama_runner.http.site import Site
from tests.support.http_client import RawClient
from tests.support.memory_network import socket_pair

LIMITS = LimitsConfig(write_timeout=5, lookahead_bytes=4096, max_head_bytes=4096)


class Served:
    """A front before an application of the test's own."""

    def __init__(self, front: Front, stop: Stop, nursery: trio.Nursery) -> None:
        self.front, self.stop = front, stop
        self._nursery = nursery
        self._clients: list[RawClient] = []

    def client(self) -> RawClient:
        ours, theirs = socket_pair()
        self._nursery.start_soon(self.front.serve, theirs)
        self._clients.append(RawClient(ours))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Served]:
    """Serve ``app`` while the block lasts."""
    stop = Stop()
    site = Site(Application(app, LIMITS), {}, Access(), LIMITS, refusal)
    async with open_front(site, stop) as front, trio.open_nursery() as nursery:
        served = Served(front, stop, nursery)
        try:
            yield served
        finally:
            served.close()
        nursery.cancel_scope.cancel()


def quart_app() -> QuartTrio:
    app = make_app("test")
    add_error_handlers(app)
    return app
