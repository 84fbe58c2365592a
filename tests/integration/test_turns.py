"""However much one client has sent at once, all others have their turns between."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.support.access_cases import PAGE, SECURED
from tests.support.front_cases import post
from tests.support.http_client import request_bytes
from tests.support.program import CHAT, open_program

EMPTY = post("relay", "Content-Length: 0")
PREFLIGHT = post(
    "relay",
    f"Origin: {PAGE}",
    "Access-Control-Request-Method: POST",
    start="OPTIONS {} HTTP/1.1",
)
CHUNKS = post("relay", "Transfer-Encoding: chunked", body=b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "answers", "least"),
    [
        (EMPTY * 1000, 1000, 1000),
        (PREFLIGHT * 1000, 1000, 1000),
        (request_bytes(body={**CHAT, "model": "nobody"}) * 500, 500, 500),
        (CHUNKS, 1, 300_000 // 16_384),
    ],
    ids=["empty bodies", "preflights", "unknown models", "smallest chunks"],
)
async def test_others_have_their_turns(
    autojump_clock: MockClock, data: bytes, answers: int, least: int
) -> None:
    async with open_program(config=SECURED) as program:
        client = program.client()
        turns = 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, data)
            nursery.start_soon(take_turns)
            received = b""
            while received.count(b"HTTP/1.1 ") < answers:
                received += await client.receive()
            nursery.cancel_scope.cancel()
        assert turns >= least
