"""Who is let in to a listener, and what the others are told."""

from __future__ import annotations

import errno
import logging

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.app import AppConfig
from llama_runner.config.limits import LimitsConfig
from llama_runner.http.door import SEEN_OFF_AT_ONCE, SEEN_OFF_FOR
from tests.support.access_cases import code_of
from tests.support.front_cases import post
from tests.support.front_door import ask, next_reply
from tests.support.http_client import RawClient, Reply, request_bytes
from tests.support.memory_listener import MemoryListener, listening_in_memory
from tests.support.program import STREAM, open_program
from tests.support.scripted_engine import FOREVER, ScriptedEngine, TokenScript

MODELS = request_bytes("GET", "/v1/models")
THREE = AppConfig(limits=LimitsConfig(max_connections=3))
TWO_EACH = AppConfig(limits=LimitsConfig(max_connections_per_address=2))
ELSEWHERE = "192.0.2.1"


def endless() -> ScriptedEngine:
    return ScriptedEngine(TokenScript(tokens=FOREVER, every=1))


async def served(client: RawClient) -> None:
    assert (await ask(client, MODELS, "GET")).status == 200


async def turned_away(client: RawClient) -> Reply:
    """Return what a client is told that was not let in, and see to it that it is hung up on."""
    reply = await next_reply(client)
    assert await client.receive() == b""
    assert reply.headers["connection"] == "close"
    assert reply.headers["retry-after"] == "2"
    return reply


async def busy(listener: MemoryListener, address: str = "127.0.0.1") -> RawClient:
    """Return a connection on which an answer runs that does not end."""
    client = listener.connect(address)
    await client.request(body=STREAM)
    await client.head()
    return client


async def uploading(listener: MemoryListener) -> RawClient:
    """Return a connection on which a request has begun that is not yet whole."""
    client = listener.connect()
    await client.send(post("relay", "Content-Length: 5"))
    await wait_all_tasks_blocked()
    return client


async def test_the_connection_that_was_idle_for_longest_makes_room(
    autojump_clock: MockClock,
) -> None:
    async with open_program(config=THREE) as program, listening_in_memory(program) as listener:
        held = [listener.connect() for _ in range(3)]
        for client in held:
            await served(client)
        await served(held[0])
        await served(listener.connect())
        assert await held[1].receive() == b""
        for client in (held[0], held[2]):
            await served(client)


async def test_what_is_lost_least_makes_room_first(autojump_clock: MockClock) -> None:
    async with open_program(config=THREE) as program, listening_in_memory(program) as listener:
        beginning, idle, leaving = (listener.connect() for _ in range(3))
        await beginning.send(MODELS[:20])
        await leaving.send(b"no request\r\n\r\n")
        await wait_all_tasks_blocked()
        for gone in (leaving, idle, beginning):
            before = trio.current_time()
            await uploading(listener)
            await gone.until_closed()
            assert trio.current_time() == before
        assert (await turned_away(listener.connect())).status == 503


@pytest.mark.parametrize("facade", ["lmstudio", "ollama", "dashboard"])
async def test_who_comes_when_all_are_busy_is_told_so_at_once(
    autojump_clock: MockClock, facade: str
) -> None:
    config = AppConfig(limits=LimitsConfig(max_connections=1))
    async with open_program(config=config, facade=facade) as program:
        async with listening_in_memory(program) as listener:
            held = await uploading(listener)
            began = trio.current_time()
            for request in (b"", MODELS):
                client = listener.connect()
                await client.send(request)
                reply = await turned_away(client)
                assert reply.status == 503
                assert code_of(facade, reply.json) == "too_many_connections"
            assert trio.current_time() == began
            held.close()
            await wait_all_tasks_blocked()
            await ask(listener.connect(), request_bytes("GET", "/"), "GET")


async def test_those_who_are_served_are_left_alone_by_a_crowd(autojump_clock: MockClock) -> None:
    async with open_program(config=THREE, engine=endless(), slots=3) as program:
        async with listening_in_memory(program) as listener:
            streaming = [await busy(listener) for _ in range(3)]
            crowd = [listener.connect() for _ in range(500)]
            for client in crowd:
                assert (await turned_away(client)).status == 503
            await trio.sleep(10)
            assert [asked.closed_at for asked in program.engine.asked] == [None] * 3
            for client in streaming:
                assert b"t9" in await client.receive()


async def test_an_address_beyond_this_machine_may_hold_so_many(autojump_clock: MockClock) -> None:
    async with open_program(config=TWO_EACH) as program:
        async with listening_in_memory(program) as listener:
            held = [listener.connect(ELSEWHERE) for _ in range(2)]
            reply = await turned_away(listener.connect(ELSEWHERE))
            assert reply.status == 429
            assert reply.json["error"]["code"] == "too_many_connections"
            assert "2 connections" in reply.json["error"]["message"]
            for address in ("192.0.2.2", "127.0.0.1", "127.0.0.1", "127.0.0.1"):
                await served(listener.connect(address))
            held[0].close()
            await wait_all_tasks_blocked()
            await served(listener.connect(ELSEWHERE))


async def test_an_address_that_has_enough_makes_nobody_else_leave(
    autojump_clock: MockClock,
) -> None:
    config = evolve(TWO_EACH, limits=evolve(TWO_EACH.limits, max_connections=3))
    async with open_program(config=config) as program, listening_in_memory(program) as listener:
        idle = listener.connect()
        await served(idle)
        for _ in range(2):
            listener.connect(ELSEWHERE)
        assert (await turned_away(listener.connect(ELSEWHERE))).status == 429
        await served(idle)


async def test_an_address_is_counted_only_while_it_is_served(autojump_clock: MockClock) -> None:
    config = evolve(TWO_EACH, limits=evolve(TWO_EACH.limits, max_connections=1))
    async with open_program(config=config) as program, listening_in_memory(program) as listener:
        held = await uploading(listener)
        for _ in range(5):
            assert (await turned_away(listener.connect(ELSEWHERE))).status == 503
        held.close()
        await wait_all_tasks_blocked()
        await served(listener.connect(ELSEWHERE))


async def test_who_was_turned_away_may_not_linger(autojump_clock: MockClock) -> None:
    config = AppConfig(limits=LimitsConfig(max_connections=1))
    async with open_program(config=config) as program, listening_in_memory(program) as listener:
        await uploading(listener)
        began = trio.current_time()
        crowd = [listener.connect() for _ in range(SEEN_OFF_AT_ONCE + 2)]
        await wait_all_tasks_blocked()
        hung_up = [client for client in crowd if not _takes_more(client)]
        assert len(hung_up) == 2  # beyond those who may read it in peace
        await trio.sleep(SEEN_OFF_FOR)
        await wait_all_tasks_blocked()
        assert [client for client in crowd if _takes_more(client)] == []
        assert trio.current_time() - began == SEEN_OFF_FOR


def _takes_more(client: RawClient) -> bool:
    try:
        client.sock.send(b"x")
    except OSError:
        return False
    return True


async def test_when_files_run_out_idle_connections_make_room(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_program() as program, listening_in_memory(program) as listener:
        idle = [listener.connect() for _ in range(20)]
        await wait_all_tasks_blocked()
        for _ in range(3):
            listener.failures.append(errno.EMFILE)
            await served(listener.connect())
        assert await idle[0].receive() == b""
        assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_when_files_run_out_and_all_are_busy_who_comes_is_told_so(
    autojump_clock: MockClock,
) -> None:
    async with open_program(engine=endless()) as program:
        async with listening_in_memory(program) as listener:
            client = await busy(listener)
            for _ in range(3):
                listener.failures.append(errno.ENFILE)
                assert (await turned_away(listener.connect())).status == 503
            await served(listener.connect())
            await trio.sleep(5)
            assert b"t4" in await client.receive()


async def test_when_not_even_the_spare_file_helps_who_comes_waits(
    autojump_clock: MockClock,
) -> None:
    async with open_program() as program, listening_in_memory(program) as listener:
        listener.failures.extend([errno.ENOBUFS] * 10)
        began = trio.current_time()
        await served(listener.connect())
        assert listener.failed == 10
        assert 0 < trio.current_time() - began < 2


async def test_what_went_wrong_with_one_connection_is_not_the_listeners_end(
    autojump_clock: MockClock,
) -> None:
    async with open_program() as program, listening_in_memory(program) as listener:
        listener.failures.extend([errno.ECONNABORTED, errno.EPROTO, errno.EPERM])
        await served(listener.connect())


async def test_an_error_that_nobody_expects_is_not_hidden(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        with pytest.RaisesGroup(OSError, flatten_subgroups=True):
            async with listening_in_memory(program) as listener:
                listener.failures.append(errno.EBADF)
                listener.connect()
                await trio.sleep(1)
