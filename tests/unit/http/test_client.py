from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from llama_runner.http.client import Client, ClientGone, ClientTooSlow
from llama_runner.platforms.resetting import reset_when_closed
from tests.support.memory_network import socket_pair, tcp_pair

PIECE = 65536
ANSWER = b"x" * 64 * PIECE
in_memory = pytest.mark.skipif(
    sys.platform == "win32",
    reason="socket pairs are TCP there, and the virtual clock does not see bytes on their way",
)


async def test_leaving_is_timed_also_when_a_write_shows_it_first() -> None:
    ours, theirs = socket_pair()
    with ours:
        client = Client(ours, lookahead=1024, write_timeout=1.0)
        # Where a pair is two TCP sockets, the first write to one that is closed succeeds.
        reset_when_closed(theirs)
        theirs.close()
        await trio.lowlevel.wait_readable(ours)
        with pytest.raises(ClientGone):
            await client.send(b"x")
        assert client.left_at is not None


async def _read(sock: socket.socket, *, every: float) -> None:
    while True:
        await trio.sleep(every)
        sock.recv(PIECE)


@asynccontextmanager
async def read_by(*, rate: float) -> AsyncIterator[Client]:
    """Return our end of a connection whose other end reads so many bytes a second."""
    ours, theirs = socket_pair()
    with ours, theirs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(_read, theirs, every=PIECE / rate))
            yield Client(ours, lookahead=1024, write_timeout=300.0, min_read_rate=1000)
            nursery.cancel_scope.cancel()


@in_memory
async def test_a_slow_but_steady_reader_is_served(autojump_clock: MockClock) -> None:
    async with read_by(rate=1200) as client:
        await client.send(ANSWER)
    assert trio.current_time() > 10 * 300


@in_memory
async def test_a_reader_below_the_least_rate_is_cut(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    async with read_by(rate=700) as client:
        with pytest.raises(ClientTooSlow):
            await client.send(ANSWER)
    # What it takes earns it more time than the first 300 s, but ever less of it.
    assert 300 < trio.current_time() - began < 1500


@in_memory
async def test_a_cut_leaves_nothing_in_the_system_for_its_client(
    autojump_clock: MockClock,
) -> None:
    ours, theirs = tcp_pair()
    with theirs:
        with ours:
            client = Client(ours, lookahead=1024, write_timeout=30.0)
            with pytest.raises(ClientTooSlow):
                await client.send(ANSWER)
            assert trio.current_time() == pytest.approx(30)
        with pytest.raises(ConnectionResetError):
            while theirs.recv(PIECE):
                pass


async def test_what_is_written_at_once_goes_before_what_follows() -> None:
    ours, theirs = socket_pair()
    with ours, theirs:
        client = Client(ours, lookahead=1024, write_timeout=5.0)
        client.send_at_once(ANSWER)
        assert not client.keeps_up  # nobody has read, and no system holds as much
        received = bytearray()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, b"the end")
            while len(received) < len(ANSWER) + len(b"the end"):
                await trio.lowlevel.wait_readable(theirs)
                received += theirs.recv(PIECE)
        assert received == ANSWER + b"the end"
        assert client.keeps_up
