"""One way to cost too much: what is done, what bounds it, and what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from attrs import field, frozen

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from tests.support.front_door import parse_reply, replies_in
from tests.support.http_client import RawClient, request_bytes
from tests.support.memory_listener import MemoryListener, listening_in_memory
from tests.support.program import Program, open_program
from tests.support.scripted_engine import FOREVER, Script, ScriptedEngine, TokenScript

ELSEWHERE = "192.0.2.1"
MODELS = request_bytes("GET", "/v1/models")
SMALL = LimitsConfig(
    max_head_bytes=1000,
    max_body_bytes=2000,
    total_body_bytes=3000,
    lookahead_bytes=3000,
    max_connections=4,
    max_connections_per_address=2,
    max_requests_per_client=1,
    max_websockets=1,
    max_message_bytes=500,
    max_message_rate=1000,
)

CLOSED = "the connection is closed"
BROKEN_OFF = "the answer breaks off, the connection is closed"
NOT_READ = "what is more waits on its side"


@frozen
class Stage:
    """A program with one slot, before which an offence is committed."""

    listener: MemoryListener
    program: Program

    def client(self, address: str = "127.0.0.1") -> RawClient:
        """Return a new connection."""
        return self.listener.connect(address)


@frozen
class Offence:
    """``commit`` does ``what``, bounded by ``keys``, and returns what its client saw.

    That must be what it ``sees`` by the documentation.
    """

    what: str
    keys: tuple[str, ...]
    sees: str
    commit: Callable[[Stage], Awaitable[str]]
    config: AppConfig = AppConfig(limits=SMALL)
    script: Script = field(factory=lambda: TokenScript(tokens=FOREVER, every=1))
    facade: str = "lmstudio"


@asynccontextmanager
async def staged(offence: Offence) -> AsyncIterator[Stage]:
    """Run the program that the offence needs while the block lasts."""
    engine = ScriptedEngine(offence.script)
    async with open_program(
        config=offence.config, engine=engine, slots=1, facade=offence.facade
    ) as program:
        async with listening_in_memory(program) as listener:
            yield Stage(listener, program)


async def seen(client: RawClient, already: bytes = b"") -> str:
    """Read until the connection is closed; return in words what came, ``already`` included."""
    data = already + await client.until_closed()
    if not data:
        return CLOSED
    parsed = parse_reply(data, "POST", ended=False)
    if parsed is None:
        return BROKEN_OFF
    (reply,) = replies_in(data)
    assert reply.headers["connection"] == "close"
    retry = " with `Retry-After`" if "retry-after" in reply.headers else ""
    return f"{answer(reply.status)}{retry}, {CLOSED}"


def answer(status: int) -> str:
    """Return a status in the words of the documentation."""
    return f"`{status}`"
