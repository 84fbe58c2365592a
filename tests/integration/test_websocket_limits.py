"""What a client may send over a websocket, byte by byte."""

from __future__ import annotations

import socket
import struct

import pytest
import trio
from trio.testing import MockClock

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from tests.support.access_cases import HANDSHAKE
from tests.support.front_door import ask
from tests.support.http_client import RawClient, request_bytes
from tests.support.program import Program, open_program

LIMITS = LimitsConfig(
    max_message_bytes=1000, max_message_rate=1000, lookahead_bytes=20_000, max_head_bytes=2000
)
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
TOO_BIG, PROTOCOL_ERROR = 1009, 1002
MASK = b"\0\0\0\0"


def frame(kind: int, payload: bytes, *, declared: int | None = None) -> bytes:
    """Return a client's frame, masked with nothing (RFC 6455, 5.2)."""
    length = len(payload) if declared is None else declared
    if length < 126:
        return bytes([0x80 | kind, 0x80 | length]) + MASK + payload
    if length < 65536:
        return bytes([0x80 | kind, 0xFE]) + struct.pack("!H", length) + MASK + payload
    return bytes([0x80 | kind, 0xFF]) + struct.pack("!Q", length) + MASK + payload


async def opened(program: Program) -> RawClient:
    """Return a websocket that has been told the status."""
    client = program.client()
    await client.send(request_bytes("GET", "/api/events", headers=HANDSHAKE))
    data = b""
    while b'{"type"' not in data:
        data += await client.receive()
    assert data.startswith(b"HTTP/1.1 101 ")
    return client


def code_in(data: bytes) -> int:
    """Return the code of the one close frame."""
    assert data[0] == 0x80 | CLOSE
    return int.from_bytes(data[2:4], "big")


@pytest.mark.parametrize("kind", [TEXT, BINARY])
@pytest.mark.parametrize("declared", [1001, 2**40], ids=["sent", "announced"])
async def test_a_message_that_is_too_large_ends_the_session(
    autojump_clock: MockClock, kind: int, declared: int
) -> None:
    async with open_program(facade="dashboard", config=AppConfig(limits=LIMITS)) as program:
        client = await opened(program)
        began = trio.current_time()
        await client.send(frame(kind, b"x" * 1001, declared=declared))
        assert code_in(await client.until_closed()) == TOO_BIG
        await program.front.finished()  # whether or not the client closes its end
        assert trio.current_time() - began < 4


async def test_a_message_may_not_be_made_larger_in_pieces(autojump_clock: MockClock) -> None:
    async with open_program(facade="dashboard", config=AppConfig(limits=LIMITS)) as program:
        client = await opened(program)
        first, other = frame(TEXT, b"x" * 100), frame(0, b"x" * 100)
        unfinished = bytes([first[0] & 0x7F]) + first[1:], bytes([other[0] & 0x7F]) + other[1:]
        await client.send(unfinished[0] + unfinished[1] * 20)
        assert code_in(await client.until_closed()) == TOO_BIG


async def test_a_message_up_to_the_limit_is_taken(autojump_clock: MockClock) -> None:
    async with open_program(facade="dashboard", config=AppConfig(limits=LIMITS)) as program:
        client = await opened(program)
        await client.send(frame(TEXT, b"x" * 1000) * 3 + frame(PING, b"here"))
        assert await client.receive() == bytes([0x80 | 10, 4]) + b"here"


@pytest.mark.parametrize("what", [frame(PING, b""), frame(TEXT, b""), frame(BINARY, b"x" * 900)])
async def test_a_flood_of_messages_is_read_no_faster_than_the_rate(
    autojump_clock: MockClock, what: bytes
) -> None:
    async with open_program(facade="dashboard", config=AppConfig(limits=LIMITS)) as program:
        client = await opened(program)
        taken = 0
        with trio.move_on_after(100):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(client.until_closed)
                while True:
                    await trio.lowlevel.wait_writable(client.sock)
                    taken += client.sock.send(what * (4096 // len(what)))
        room = (
            LIMITS.lookahead_bytes
            + 65536
            + 2 * client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        )
        assert taken < room + 100 * LIMITS.max_message_rate
        models = request_bytes("GET", "/api/status")
        assert (await ask(program.client(), models, "GET")).status == 200


async def test_what_is_not_a_frame_of_a_client_ends_the_session(
    autojump_clock: MockClock,
) -> None:
    async with open_program(facade="dashboard", config=AppConfig(limits=LIMITS)) as program:
        for data in (b"\x81\x05hello", b"\xff" * 20, b"GET / HTTP/1.1\r\n\r\n"):
            client = await opened(program)
            await client.send(data)
            await client.until_closed()
        await program.front.finished()


async def test_compression_is_declined(autojump_clock: MockClock) -> None:
    headers = {**HANDSHAKE, "sec-websocket-extensions": "permessage-deflate"}
    async with open_program(facade="dashboard") as program:
        client = program.client()
        await client.send(request_bytes("GET", "/api/events", headers=headers))
        head = (await client.receive()).partition(b"\r\n\r\n")[0]
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"extensions" not in head.lower()
