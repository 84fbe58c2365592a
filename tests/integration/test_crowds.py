"""Many connections at once, on real loopback sockets, beside one that is being served."""

from __future__ import annotations

import sys

import pytest
import trio

from llama_runner.config.limits import LimitsConfig
from tests.support.front_door import ask, next_reply, replies_in
from tests.support.listening import MODELS, SOON, listening

pytestmark = pytest.mark.slow


async def test_a_crowd_is_served_at_once_beside_a_stream() -> None:
    async with listening() as listener:
        streaming = await listener.streaming()
        crowd = [await listener.connect() for _ in range(500)]
        for client in crowd:
            await client.send(MODELS)
        for client in crowd:
            assert (await next_reply(client, "GET")).status == 200
        assert b"data: " in await streaming.receive()


async def test_a_crowd_beyond_the_limit_is_told_so_beside_a_stream() -> None:
    async with listening(limits=LimitsConfig(max_connections=1)) as listener:
        streaming = await listener.streaming()
        crowd = [await listener.connect() for _ in range(500)]
        # Many more than are seen off in peace; the others are told nothing if they send first.
        told = [await client.until_closed() for client in crowd]
        assert {reply.status for data in told for reply in replies_in(data)} == {503}
        assert all(told)
        assert b"data: " in await streaming.receive()


if sys.platform != "win32":
    from tests.support.open_files import no_more_files

    async def test_clients_are_served_also_when_there_are_no_more_files() -> None:
        async with listening() as listener:
            streaming = await listener.streaming()
            for _ in range(3):
                assert (await ask(await listener.connect(), MODELS, "GET")).status == 200
            unconnected = [trio.socket.socket() for _ in range(6)]
            with no_more_files():
                for sock in unconnected:
                    await sock.connect(("127.0.0.1", listener.port))
                    client = listener.adopt(sock)
                    with trio.fail_after(SOON):
                        assert (await ask(client, MODELS, "GET")).status == 200
            assert b"data: " in await streaming.receive()
