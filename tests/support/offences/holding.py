"""What a client can hold: connections, answers that it does not read, places in the queue."""

from __future__ import annotations

import socket

import trio
from attrs import evolve
from trio.testing import wait_all_tasks_blocked

from llama_runner.config.app import AppConfig, RelayConfig
from llama_runner.config.scheduling import SchedulingConfig
from tests.support.access_cases import HANDSHAKE
from tests.support.endless import Endless, in_sockets
from tests.support.front_cases import post
from tests.support.front_door import ask
from tests.support.http_client import request_bytes
from tests.support.offences.offence import (
    BROKEN_OFF,
    CLOSED,
    ELSEWHERE,
    MODELS,
    SMALL,
    Offence,
    Stage,
    answer,
    seen,
)
from tests.support.program import CHAT, STREAM

STREAMING = request_bytes(body=STREAM)
SOCKET = request_bytes("GET", "/api/events", headers=HANDSHAKE)
ENGINE_WAITS = "the engine waits as well"
RETRY = "with `Retry-After`"


async def idle(stage: Stage) -> str:
    """Hold a connection without a request."""
    client, began = stage.client(), trio.current_time()
    await ask(client, MODELS, "GET")
    told = await seen(client)
    assert trio.current_time() - began == SMALL.idle_timeout
    return told


async def unread(stage: Stage) -> str:
    """Leave an answer unread for a while."""
    client, script = stage.client(), stage.program.engine.script
    assert isinstance(script, Endless)
    await client.send(STREAMING)
    await wait_all_tasks_blocked()
    before = script.sent
    await trio.sleep(SMALL.write_timeout - 1)
    assert before < 3 * in_sockets()
    return ENGINE_WAITS if script.sent == before else f"{script.sent - before} bytes more"


async def unread_for_long(stage: Stage) -> str:
    """Leave an answer unread."""
    client, began = stage.client(), trio.current_time()
    await client.send(STREAMING)
    await trio.sleep(SMALL.write_timeout)
    await wait_all_tasks_blocked()
    assert stage.program.engine.asked[0].closed_at == began + SMALL.write_timeout
    return await seen(client)


async def read_slowly(stage: Stage) -> str:
    """Read an answer below the least rate, though never nothing for long."""
    client, read = stage.client(), b""
    await client.send(STREAMING)
    await wait_all_tasks_blocked()
    while stage.program.engine.asked[0].closed_at is None:
        read += await client.receive()
        await trio.sleep(SMALL.write_timeout - 1)
    return await seen(client, read)


async def half_closed(stage: Stage) -> str:
    """Close one side of the connection and wait for the answer."""
    client = stage.client()
    await client.send(STREAMING)
    await trio.sleep(2)
    client.sock.shutdown(socket.SHUT_WR)
    return await seen(client)


async def idle_connections(stage: Stage) -> str:
    """Hold every connection that there may be."""
    held = [stage.client() for _ in range(SMALL.max_connections)]
    await wait_all_tasks_blocked()
    assert (await ask(stage.client(), MODELS, "GET")).status == 200
    return await seen(held[0])


async def busy_connections(stage: Stage) -> str:
    """Come when every connection that there may be is busy."""
    for _ in range(SMALL.max_connections):
        await stage.client().send(post("relay", "Content-Length: 5"))
    await wait_all_tasks_blocked()
    return await seen(stage.client())


async def connections_of_one_address(stage: Stage) -> str:
    """Come from an address that has as many connections as it may."""
    for _ in range(SMALL.max_connections_per_address):
        stage.client(ELSEWHERE)
    return await seen(stage.client(ELSEWHERE))


async def requests_of_one_client(stage: Stage) -> str:
    """Ask beside as many requests as one may have in progress."""
    await stage.client(ELSEWHERE).send(STREAMING)
    await trio.sleep(1)
    client = stage.client(ELSEWHERE)
    await client.send(MODELS)
    return await seen(client)


async def websockets(stage: Stage) -> str:
    """Open a websocket beside as many as may be."""
    for _ in range(SMALL.max_websockets):
        client = stage.client()
        await client.send(SOCKET)
        await client.receive()
    client = stage.client()
    await client.send(SOCKET)
    return await seen(client)


async def a_queue(stage: Stage) -> str:
    """Ask while as many requests wait as may."""
    for _ in range(2):
        await stage.client().send(STREAMING)
        await trio.sleep(1)
    reply = await ask(stage.client(), request_bytes(body=CHAT))
    assert reply.headers["retry-after"]
    return f"{answer(reply.status)} {RETRY}"


async def a_long_wait(stage: Stage) -> str:
    """Wait longer than one may."""
    await stage.client().send(STREAMING)
    await trio.sleep(1)
    reply = await ask(stage.client(), request_bytes(body=CHAT))
    assert reply.headers["retry-after"]
    return f"{answer(reply.status)} {RETRY}"


async def a_large_answer(stage: Stage) -> str:
    """Ask for a whole answer that does not end."""
    reply = await ask(stage.client(), request_bytes(body=CHAT))
    return answer(reply.status)


HOLDING = (
    Offence("is idle for longer", ("limits.idle_timeout",), CLOSED, idle),
    Offence(
        "leaves more of an answer unread; the system's buffers add to it",
        ("limits.send_buffer_bytes",),
        ENGINE_WAITS,
        unread,
        script=Endless(),
    ),
    Offence(
        "leaves an answer unread for longer",
        ("limits.write_timeout",),
        BROKEN_OFF,
        unread_for_long,
        script=Endless(),
    ),
    Offence(
        "reads an answer more slowly",
        ("limits.min_read_rate",),
        BROKEN_OFF,
        read_slowly,
        config=AppConfig(limits=evolve(SMALL, min_read_rate=100_000)),
        script=Endless(),
    ),
    Offence("closes its side and waits: it has left", (), BROKEN_OFF, half_closed),
    Offence(
        "holds every connection, but has no request in progress on one of them",
        ("limits.max_connections",),
        CLOSED,
        idle_connections,
    ),
    Offence(
        "connects when every connection is busy",
        ("limits.max_connections",),
        f"{answer(503)} {RETRY}, {CLOSED}",
        busy_connections,
    ),
    Offence(
        "connects more often from one address beyond this machine",
        ("limits.max_connections_per_address",),
        f"{answer(429)} {RETRY}, {CLOSED}",
        connections_of_one_address,
    ),
    Offence(
        "asks more at the same time, with one API key or from one address beyond this machine",
        ("limits.max_requests_per_client",),
        f"{answer(429)} {RETRY}, {CLOSED}",
        requests_of_one_client,
    ),
    Offence(
        "opens one more websocket",
        ("limits.max_websockets",),
        f"{answer(503)} {RETRY}, {CLOSED}",
        websockets,
        facade="dashboard",
    ),
    Offence(
        "asks while more requests wait",
        ("scheduling.queue_limit",),
        f"{answer(503)} {RETRY}",
        a_queue,
        config=AppConfig(scheduling=SchedulingConfig(queue_limit=1)),
    ),
    Offence(
        "waits for longer",
        ("scheduling.queue_timeout",),
        f"{answer(503)} {RETRY}",
        a_long_wait,
        config=AppConfig(scheduling=SchedulingConfig(queue_timeout=60)),
    ),
    Offence(
        "asks for a larger answer without streaming it",
        ("relay.max_answer_bytes",),
        answer(500),
        a_large_answer,
        config=AppConfig(relay=RelayConfig(max_answer_bytes=100_000)),
        script=Endless(),
    ),
)
