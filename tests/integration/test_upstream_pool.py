"""The pool over real sockets: what the other end sees."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from llama_runner.relay.upstream_pool import UpstreamPool


@pytest.fixture
def engine() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


async def test_a_broken_off_exchange_resets_its_connection(engine: socket.socket) -> None:
    pool = UpstreamPool("127.0.0.1", engine.getsockname()[1], "key")
    connection = await pool.acquire()
    theirs, _ = engine.accept()
    with theirs, pytest.raises(ConnectionResetError):
        pool.discard(connection)
        theirs.recv(1)


async def test_a_connection_that_is_no_longer_needed_ends_in_order(engine: socket.socket) -> None:
    pool = UpstreamPool("127.0.0.1", engine.getsockname()[1], "key")
    pool.release(await pool.acquire())
    theirs, _ = engine.accept()
    with theirs:
        pool.close()
        assert theirs.recv(1) == b""


async def test_closing_the_pool_wakes_whoever_waits_for_an_answer(engine: socket.socket) -> None:
    pool = UpstreamPool("127.0.0.1", engine.getsockname()[1], "key")
    connection = await pool.acquire()
    async with trio.open_nursery() as nursery:

        async def close_it() -> None:
            await trio.testing.wait_all_tasks_blocked()
            pool.close()

        nursery.start_soon(close_it)
        with pytest.raises(trio.ClosedResourceError):
            await connection.receive()
