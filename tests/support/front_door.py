"""Raw bytes in, whole answers out: what the front does with anything a client may send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import h11
import pytest
import trio
from trio.testing import MockClock

from llama_runner.http.application import Application
from tests.support.http_client import RawClient, Reply
from tests.support.program import Program

T = TypeVar("T")


def on_virtual_clock(main: Callable[[], Awaitable[T]]) -> T:
    """Run ``main`` to its end on a clock that jumps, for tests that Hypothesis repeats."""
    return trio.run(main, clock=MockClock(autojump_threshold=0))


def note_applied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that reach an application, as they do."""
    paths: list[str] = []
    serve = Application.serve

    async def noting(self: Application, answer: Any, addresses: Any, head: Any, body: Any) -> None:
        paths.append(head.path)
        await serve(self, answer, addresses, head, body)

    monkeypatch.setattr(Application, "serve", noting)
    return paths


async def ask(client: RawClient, request: bytes, method: str = "POST") -> Reply:
    """Send one request as it is and return its answer; the connection stays open."""
    await client.send(request)
    return await next_reply(client, method)


async def next_reply(client: RawClient, method: str = "POST") -> Reply:
    """Return the next answer; interim ones are passed over."""
    data = b""
    while True:
        piece = await client.receive()
        data += piece
        parsed = parse_reply(data, method, ended=not piece)
        if parsed is not None:
            assert not parsed[1], f"more came than one answer: {parsed[1]!r}"
            return parsed[0]
        assert piece, f"the connection ended within an answer: {data!r}"


async def replies_to(program: Program, data: bytes, *methods: str) -> list[Reply]:
    """Send all of ``data`` on a new connection; return every answer once it is closed."""
    client = program.client()
    await client.send(data)
    return replies_in(await client.until_closed(), *methods)


def replies_in(data: bytes, *methods: str) -> list[Reply]:
    """Return the answers of a connection that has ended."""
    replies, wanted = [], iter(methods)
    while data:
        parsed = parse_reply(data, next(wanted, "POST"), ended=True)
        assert parsed is not None, f"the connection ended within an answer: {data!r}"
        replies.append(parsed[0])
        data = parsed[1]
    return replies


def parse_reply(data: bytes, method: str, *, ended: bool) -> tuple[Reply, bytes] | None:
    """Return the first answer and what follows it; ``None`` as long as it is not whole."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method=method, target="/", headers=[("host", "localhost")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(data)
    if ended:
        parser.receive_data(b"")
    status, headers, body = 0, {}, b""
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            return None
        if isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Reply(status, headers, body), parser.trailing_data[0]
