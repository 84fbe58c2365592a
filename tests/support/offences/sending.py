"""What can be wrong with what a client sends, and with how fast it comes."""

from __future__ import annotations

import trio

from llama_runner.config.app import AppConfig, RelayConfig
from tests.support.access_cases import HANDSHAKE
from tests.support.front_cases import chunked, post
from tests.support.front_door import ask
from tests.support.http_client import RawClient, request_bytes
from tests.support.offences.offence import (
    BROKEN_OFF,
    CLOSED,
    MODELS,
    NOT_READ,
    SMALL,
    Offence,
    Stage,
    answer,
    seen,
)
from tests.support.program import STREAM

MESSAGE = b"\x82\xe4\0\0\0\0" + b"x" * 100


async def _after(stage: Stage, data: bytes) -> str:
    client = stage.client()
    await client.send(data)
    return await seen(client)


async def large_head(stage: Stage) -> str:
    """Send a head that is too large."""
    return await _after(stage, post("relay", "X: " + "x" * SMALL.max_head_bytes))


async def many_headers(stage: Stage) -> str:
    """Send too many headers."""
    return await _after(stage, post("relay", *["X: y"] * SMALL.max_headers))


async def slow_head(stage: Stage) -> str:
    """Send a byte a second."""
    client, began = stage.client(), trio.current_time()
    for byte in MODELS[: int(SMALL.head_timeout)]:
        await client.send(bytes([byte]))
        await trio.sleep(1)
    told = await seen(client)
    assert trio.current_time() - began < SMALL.head_timeout + 2
    return told


async def large_body(stage: Stage) -> str:
    """Announce a body that is too large, or send it without."""
    size = SMALL.max_body_bytes + 1
    announced = await _after(
        stage, post("relay", f"Content-Length: {size}", "Expect: 100-continue")
    )
    sent = post("relay", "Transfer-Encoding: chunked", body=chunked(b"x" * size))
    assert announced == await _after(stage, sent)
    return announced


async def much_json(stage: Stage) -> str:
    """Send a body in which much must be parsed."""
    reply = await ask(stage.client(), request_bytes(body={**STREAM, "user": "x" * 1000}))
    return answer(reply.status)


async def large_bodies(stage: Stage) -> str:
    """Send bodies that are too large together."""
    head, part = post("relay", f"Content-Length: {SMALL.max_body_bytes}"), b"x" * 1500
    clients = [stage.client() for _ in range(3)]
    for data in (head, part):
        for client in clients:
            await client.send(data)
        await trio.testing.wait_all_tasks_blocked()
    return await seen(clients[2])


async def slow_body(stage: Stage) -> str:
    """Send a body slower than the least rate."""
    client = stage.client()
    await client.send(post("relay", f"Content-Length: {SMALL.max_body_bytes}"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_drip, client)
        told = await seen(client)
        nursery.cancel_scope.cancel()
    return told


async def _drip(client: RawClient) -> None:
    while True:
        await client.send(b"x" * 10)
        await trio.sleep(0.7)


async def half_a_body(stage: Stage) -> str:
    """Send a part of a body and then nothing."""
    return await _after(stage, post("relay", "Content-Length: 5", body=b"{"))


async def chunks_with_extras(stage: Stage) -> str:
    """Send chunks with an extension, or trailers."""
    told = set()
    for body in (b"1;a=b\r\nx\r\n0\r\n\r\n", b"0\r\nX: y\r\n\r\n"):
        told.add(await _after(stage, post("relay", "Transfer-Encoding: chunked", body=body)))
    return told.pop() if len(told) == 1 else str(told)


async def flood_of_requests(stage: Stage) -> str:
    """Send further requests behind one whose answer still runs."""
    client = stage.client()
    await client.send(request_bytes(body=STREAM))
    await trio.sleep(2)
    flood = MODELS * (1 + (SMALL.lookahead_bytes + 65536) // len(MODELS))
    await client.send(flood)
    return await seen(client)


async def large_message(stage: Stage) -> str:
    """Send a message that is too large."""
    client = stage.client()
    await client.send(request_bytes("GET", "/api/events", headers=HANDSHAKE))
    while b'{"type"' not in await client.receive():
        pass
    size = SMALL.max_message_bytes + 1
    await client.send(b"\x82\xfe" + size.to_bytes(2, "big") + b"\0\0\0\0" + b"x" * size)
    data = await client.until_closed()
    assert data[0] == 0x88
    return f"close code {answer(int.from_bytes(data[2:4], 'big'))}, {CLOSED}"


async def fast_messages(stage: Stage) -> str:
    """Send messages faster than they are read."""
    client = stage.client()
    await client.send(request_bytes("GET", "/api/events", headers=HANDSHAKE))
    while b'{"type"' not in await client.receive():
        pass
    sent, seconds = 0, 600
    with trio.move_on_after(seconds):
        while True:
            await trio.lowlevel.wait_writable(client.sock)
            sent += client.sock.send(MESSAGE * 40)
    # What the sockets and the look-ahead hold is less than what is read in that time.
    return NOT_READ if sent < 2 * seconds * SMALL.max_message_rate else f"{sent} bytes are read"


SENDING = (
    Offence(
        "sends a larger head", ("limits.max_head_bytes",), f"{answer(431)}, {CLOSED}", large_head
    ),
    Offence(
        "sends more headers", ("limits.max_headers",), f"{answer(431)}, {CLOSED}", many_headers
    ),
    Offence(
        "takes longer to send a head",
        ("limits.head_timeout",),
        f"{answer(408)}, {CLOSED}",
        slow_head,
    ),
    Offence(
        "sends or announces a larger body; what is announced is neither asked for nor read",
        ("limits.max_body_bytes",),
        f"{answer(413)}, {CLOSED}",
        large_body,
    ),
    Offence(
        "sends a body that is larger even without its strings of over 64 KiB",
        ("relay.max_json_bytes",),
        answer(413),
        much_json,
        config=AppConfig(relay=RelayConfig(max_json_bytes=1000)),
    ),
    Offence(
        "sends a body for which there is no room beside all others",
        ("limits.total_body_bytes",),
        f"{answer(503)} with `Retry-After`, {CLOSED}",
        large_bodies,
    ),
    Offence(
        "sends a body more slowly; the first ten seconds are free",
        ("limits.min_body_rate",),
        f"{answer(408)}, {CLOSED}",
        slow_body,
    ),
    Offence(
        "sends a part of a body and then nothing",
        ("limits.min_body_rate",),
        f"{answer(408)}, {CLOSED}",
        half_a_body,
    ),
    Offence(
        "sends chunks with extensions, or trailers",
        (),
        f"{answer(400)}, {CLOSED}",
        chunks_with_extras,
    ),
    Offence(
        "sends more behind a request whose answer still runs; up to that, requests wait",
        ("limits.lookahead_bytes",),
        BROKEN_OFF,
        flood_of_requests,
    ),
    Offence(
        "sends a larger message to a websocket",
        ("limits.max_message_bytes",),
        f"close code {answer(1009)}, {CLOSED}",
        large_message,
        facade="dashboard",
    ),
    Offence(
        "sends more a second to a websocket",
        ("limits.max_message_rate",),
        NOT_READ,
        fast_messages,
        facade="dashboard",
    ),
)
