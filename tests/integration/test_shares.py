"""How much of a listener one client may have at the same time."""

from __future__ import annotations

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from tests.support.access_cases import HANDSHAKE, KEYED, code_of
from tests.support.front_door import ask, next_reply
from tests.support.http_client import RawClient, request_bytes
from tests.support.memory_listener import listening_in_memory
from tests.support.program import CHAT, STREAM, Program, open_program
from tests.support.scripted_engine import FOREVER, ScriptedEngine, TokenScript

TWO = LimitsConfig(max_requests_per_client=2, max_websockets=2)
MODELS = request_bytes("GET", "/v1/models")
SOCKET = request_bytes("GET", "/api/events", headers=HANDSHAKE)
ONE_KEY, OTHER_KEY = ({"authorization": f"Bearer {name}-key"} for name in ("first", "second"))


def endless() -> ScriptedEngine:
    return ScriptedEngine(TokenScript(tokens=FOREVER, every=1))


async def streaming(client: RawClient, headers: dict[str, str] | None = None) -> RawClient:
    """Begin an answer that does not end."""
    await client.request(body=STREAM, headers=headers)
    assert (await client.head()).status_code == 200
    return client


async def test_a_key_may_have_so_many_requests_in_progress(autojump_clock: MockClock) -> None:
    config = evolve(KEYED, limits=TWO)
    async with open_program(config=config, engine=endless(), slots=4) as program:
        running = [await streaming(program.client(), ONE_KEY) for _ in range(2)]
        for body in (CHAT, STREAM):
            client = program.client()
            reply = await ask(client, request_bytes(body=body, headers=ONE_KEY))
            assert reply.status == 429
            assert reply.headers["retry-after"] == "2"
            assert reply.json["error"]["type"] == "requests"
            assert reply.json["error"]["code"] == "rate_limit_exceeded"
            assert "2 requests" in reply.json["error"]["message"]
            assert await client.receive() == b""
        await streaming(program.client(), OTHER_KEY)
        running[0].close()
        await wait_all_tasks_blocked()
        await streaming(program.client(), ONE_KEY)
        assert len(program.engine.asked) == 4


async def test_a_key_is_the_same_client_however_it_is_sent(autojump_clock: MockClock) -> None:
    config = evolve(KEYED, limits=evolve(TWO, max_requests_per_client=1))
    async with open_program(config=config, engine=endless()) as program:
        await streaming(program.client(), ONE_KEY)
        for headers in ({"x-api-key": "first-key"}, {"authorization": "bearer  first-key"}):
            request = request_bytes("GET", "/v1/models", headers=headers)
            assert (await ask(program.client(), request, "GET")).status == 429


async def test_an_address_beyond_this_machine_may_have_so_many_requests_in_progress(
    autojump_clock: MockClock,
) -> None:
    config = AppConfig(limits=TWO)
    async with open_program(config=config, engine=endless(), slots=8) as program:
        async with listening_in_memory(program) as listener:
            for _ in range(2):
                await streaming(listener.connect("192.0.2.1"))
            assert (await ask(listener.connect("192.0.2.1"), MODELS, "GET")).status == 429
            assert (await ask(listener.connect("192.0.2.2"), MODELS, "GET")).status == 200


async def test_programs_of_this_machine_do_not_share_a_limit(autojump_clock: MockClock) -> None:
    config = AppConfig(limits=TWO)
    async with open_program(config=config, engine=endless(), slots=8) as program:
        for _ in range(6):
            await streaming(program.client())


@pytest.mark.parametrize("request_", [MODELS, request_bytes(body={**CHAT, "model": "nobody"})])
async def test_only_what_is_in_progress_counts(autojump_clock: MockClock, request_: bytes) -> None:
    config = AppConfig(limits=TWO)
    async with open_program(config=config) as program, listening_in_memory(program) as listener:
        client = listener.connect("192.0.2.1")
        for _ in range(10):
            method = request_.split()[0].decode()
            assert (await ask(client, request_, method)).status in (200, 404)


@pytest.mark.parametrize("facade", ["dashboard", "lmstudio"])
async def test_so_many_websockets_are_open(autojump_clock: MockClock, facade: str) -> None:
    async with open_program(config=AppConfig(limits=TWO), facade=facade) as program:
        if facade != "dashboard":  # where there are none to be had
            for _ in range(5):
                assert b" 404 " in await _handshake(program)
            return
        clients = [program.client() for _ in range(2)]
        for client in clients:
            await client.send(SOCKET)
            assert (await client.receive()).startswith(b"HTTP/1.1 101 ")
        refused = program.client()
        await refused.send(SOCKET)
        reply = await next_reply(refused, "GET")
        assert reply.status == 503
        assert reply.headers["retry-after"] == "2"
        assert code_of(facade, reply.json) == "too_many_websockets"
        clients[0].close()
        await trio.sleep(2)
        assert (await _handshake(program)).startswith(b"HTTP/1.1 101 ")


async def _handshake(program: Program) -> bytes:
    client = program.client()
    await client.send(SOCKET)
    return await client.receive()
