from __future__ import annotations

from attrs import define, field

from llama_runner.config.limits import LimitsConfig
from llama_runner.http.client import Client
from llama_runner.http.head import read_head, skip_empty_lines
from tests.support.front_cases import post
from tests.support.memory_network import socket_pair


@define(eq=False)
class CountingClient(Client):
    """Notes how often something is taken."""

    takes: int = field(default=0, init=False)

    def take(self, size: int) -> bytes:
        self.takes += 1
        return super().take(size)


async def test_empty_lines_are_passed_over_at_once_however_many() -> None:
    ours, theirs = socket_pair()
    with ours, theirs:
        client = CountingClient(ours, lookahead=1024, write_timeout=1.0)
        client.buffer += b"\r\n" * 30_000 + post("relay")
        skip_empty_lines(client)
        assert client.takes == 1
        head = await read_head(client, LimitsConfig())
        assert head.method == "POST"
        assert client.buffer == b""
