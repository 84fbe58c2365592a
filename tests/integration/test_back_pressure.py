"""A client that does not read: what it costs, and until when."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.limits import LimitsConfig
from llama_runner.events.exchange import Outcome
from llama_runner.relay.upstream_pool import RECEIVE_BYTES as CHUNK
from tests.support.endless import HEAD, MIB, TOKEN, Endless, in_sockets
from tests.support.front_door import ask
from tests.support.http_client import RawClient, request_bytes
from tests.support.listening import SOON, listening
from tests.support.memory_network import tcp_pair
from tests.support.program import CHAT, STREAM, Program, open_program
from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine, TokenScript

STALLED_FOR = LimitsConfig().write_timeout
FRAMING = 1024
"""Bytes that frame what is on its way."""


@asynccontextmanager
async def stalled_stream() -> AsyncIterator[tuple[Program, Endless, RawClient]]:
    """Stream without end to a client that reads nothing, on an engine with one slot."""
    script = Endless()
    async with open_program(engine=ScriptedEngine(script), slots=1) as program:
        client = program.client()
        await client.send(request_bytes(body=STREAM))
        await wait_all_tasks_blocked()
        yield program, script, client


async def test_a_stalled_reader_costs_the_sockets_and_one_chunk(
    autojump_clock: MockClock,
) -> None:
    async with stalled_stream() as (_, script, client):
        most = 2 * in_sockets() + CHUNK + FRAMING
        assert in_sockets() < script.sent <= most
        before = script.sent
        await trio.sleep(STALLED_FOR - 1)
        assert script.sent == before
        # It may read on, and misses nothing of what was kept for it.
        read = 0
        while read < 10 * most:
            read += len(await client.receive())
        assert script.sent > before


async def test_a_stalled_reader_costs_no_memory_of_ours(autojump_clock: MockClock) -> None:
    async with open_program(engine=ScriptedEngine(Endless()), slots=8) as program:
        first = program.client()
        await first.send(request_bytes(body=STREAM))  # which loads the model
        await wait_all_tasks_blocked()
        tracemalloc.start()
        try:
            for _ in range(7):
                await program.client().send(request_bytes(body=STREAM))
            await wait_all_tasks_blocked()
            await trio.sleep(STALLED_FOR / 2)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # One read of the engine and the frame that it became, at most.
        assert held / 7 < 2 * (CHUNK + FRAMING)


async def test_a_stalled_reader_is_cut_and_the_next_request_is_served(
    autojump_clock: MockClock,
) -> None:
    async with stalled_stream() as (program, script, client):
        stalled_at = trio.current_time()
        waiting = program.client()
        await waiting.send(request_bytes(body=CHAT))
        await trio.sleep(STALLED_FOR - 1)
        assert len(program.runners.line) == 1
        program.engine.script = TokenScript()
        await trio.sleep(1)
        await wait_all_tasks_blocked()
        stalled, *_ = program.engine.asked
        assert stalled.closed_at == stalled_at + STALLED_FOR
        reply = await ask(waiting, b"")
        assert reply.json["choices"][0]["message"]["content"] == "t0 t1 t2 "
        assert trio.current_time() - stalled.closed_at < 0.2  # in which the slot is seen idle
        assert {key: one.leases for key, (one, _) in program.runners.residents.items()} == {"a": 0}
        await wait_all_tasks_blocked()
        outcomes = [exchange.outcome for exchange in program.exchanges]
        assert outcomes == [Outcome.CANCELLED, Outcome.COMPLETED]
        assert len(await client.until_closed()) <= in_sockets()


async def test_a_reader_that_only_pauses_gets_every_byte(autojump_clock: MockClock) -> None:
    tokens = 40_000

    async def script(asked: Asked, connection: EngineConnection) -> None:
        await connection.send(HEAD % b"200 OK")
        for number in range(tokens // 100):
            await connection.chunk(b"".join(_token(100 * number + more) for more in range(100)))
        await connection.chunk(b"data: [DONE]\n\n")
        await connection.end()

    async with open_program(engine=ScriptedEngine(script)) as program:
        client = program.client()
        await client.request(body=STREAM)
        await client.head()
        body = b""
        async for piece in client.pieces():
            if len(body) // MIB != len(body + piece) // MIB:
                await trio.sleep(STALLED_FOR - 1)
            body += piece
        assert body == b"".join(map(_token, range(tokens))) + b"data: [DONE]\n\n"


def _token(number: int) -> bytes:
    return TOKEN.replace(b"xy", b"%d" % number)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
async def test_who_does_not_read_a_whole_answer_keeps_no_slot(
    autojump_clock: MockClock, path: str
) -> None:
    large = "x" * (2 * in_sockets())

    async def script(asked: Asked, connection: EngineConnection) -> None:
        if path == "/v1/embeddings":
            await connection.whole(200, {"data": [large]})
            return
        await connection.start_stream()
        delta = {"index": 0, "delta": {"content": large}, "finish_reason": "stop"}
        await connection.event({"choices": [delta]})
        await connection.event("[DONE]")
        await connection.end()

    body = {**CHAT, "input": "Hi"}
    async with open_program(engine=ScriptedEngine(script), slots=1) as program:
        deaf = program.client()
        await deaf.send(request_bytes(path=path, body=body))
        await wait_all_tasks_blocked()
        began = trio.current_time()
        for _ in range(2):
            reply = await ask(program.client(), request_bytes(path=path, body=body))
            assert large in orjson.dumps(reply.json).decode()
        assert trio.current_time() == began
        await trio.sleep(STALLED_FOR)
        assert len(await deaf.until_closed()) <= in_sockets()
        assert trio.current_time() == began + STALLED_FOR


@pytest.mark.slow
async def test_a_stalled_reader_is_cut_over_tcp_as_well() -> None:
    limits = LimitsConfig(write_timeout=0.5, send_buffer_bytes=65536)
    script = Endless()
    async with listening(script, limits=limits, slots=1) as listener:
        deaf = await listener.connect()
        await deaf.send(request_bytes(body=STREAM))
        await trio.sleep(0.2)
        waiting = await listener.connect()
        await waiting.send(request_bytes(body=CHAT))
        listener.program.engine.script = TokenScript()
        with trio.fail_after(SOON):
            assert (await ask(waiting, b"")).status == 200
        stalled = listener.program.engine.asked[0]
        assert stalled.closed_at is not None
        # Linux doubles what it is told, and the client's own system holds something as well.
        assert script.sent < in_sockets() + CHUNK + 2 * limits.send_buffer_bytes + in_sockets(
            tcp_pair, piece=4096
        )
        with pytest.raises(ConnectionResetError):
            while deaf.sock.recv(65536):
                pass


@pytest.mark.slow
async def test_a_reader_that_looks_only_after_the_stop_finds_a_last_word() -> None:
    limits = LimitsConfig(send_buffer_bytes=8192)
    async with listening(Endless(), grace=0.1, limits=limits) as listener:
        with trio.socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await sock.connect(("127.0.0.1", listener.port))
            deaf = listener.adopt(sock)
        await deaf.send(request_bytes(body=STREAM))
        await trio.sleep(0.2)
        listener.program.stop.request()
        with trio.fail_after(SOON):
            await listener.ended.wait()
        told = await deaf.until_closed()
        assert b'"shutting_down"' in told[-1000:]
        assert told.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
