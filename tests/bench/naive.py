"""The yardstick: a relay as one would write it at first, with Quart-Trio and httpx.

Its hash is kept in tests/unit/bench/test_naive.py: figures are told as ratios
to it, so it must never change.
"""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx  # noqa: ASYNC127
import trio
from hypercorn.config import Config
from hypercorn.trio import serve as serve_asgi
from quart import Response, request
from quart_trio import QuartTrio

from tests.bench.serving import run

ROUTE = "/v1/chat/completions"
NOT_PASSED_ON = frozenset({"connection", "content-length", "host", "transfer-encoding"})


def build_app(client: httpx.AsyncClient, upstream: str) -> QuartTrio:
    """Return the application: one route, which hands on what the upstream sends."""
    app = QuartTrio("naive")

    @app.post(ROUTE)
    async def chat() -> Response:
        body = await request.get_data()
        assert json.loads(body)["model"]
        headers = {k: v for k, v in request.headers.items() if k.lower() not in NOT_PASSED_ON}
        asked = client.build_request("POST", upstream + ROUTE, content=body, headers=headers)
        answer = await client.send(asked, stream=True)

        async def payload() -> AsyncIterator[bytes]:
            try:
                async for piece in answer.aiter_bytes():
                    yield piece
            finally:
                await answer.aclose()

        content_type = answer.headers["content-type"]
        response = Response(payload(), answer.status_code, content_type=content_type)
        response.timeout = None
        return response

    return app


async def serve(sock: socket.socket, upstream: int, ended: trio.Event) -> None:
    """Serve on ``sock`` with Hypercorn until ``ended``."""
    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.backlog, config.errorlog = 1024, None
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    async with httpx.AsyncClient(timeout=None, limits=limits, trust_env=False) as client:
        app = cast(Any, build_app(client, f"http://127.0.0.1:{upstream}"))
        await serve_asgi(app, config, shutdown_trigger=cast(Any, ended.wait))


if __name__ == "__main__":
    run(serve)
