from __future__ import annotations

import pytest
import trio

from llama_runner.http.client import Client, ClientGone
from tests.support.memory_network import socket_pair


async def test_leaving_is_timed_also_when_a_write_shows_it_first() -> None:
    ours, theirs = socket_pair()
    with ours:
        client = Client(ours, lookahead=1024, write_timeout=1.0)
        theirs.close()
        # Where a pair is two TCP sockets, a write before the end has come still succeeds.
        await trio.lowlevel.wait_readable(ours)
        with pytest.raises(ClientGone):
            await client.send(b"x")
        assert client.left_at is not None
