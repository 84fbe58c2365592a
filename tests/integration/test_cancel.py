"""A client that leaves stops what it asked for, in whatever phase that is."""

from __future__ import annotations

import socket

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.platforms.resetting import reset_when_closed
from llama_runner.events.event import CancelConfirmed
from llama_runner.events.exchange import Outcome
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.http_client import RawClient
from tests.support.program import CHAT, STREAM, Program, open_program
from tests.support.scripted_engine import FOREVER, ScriptedEngine, TokenScript

both_kinds = pytest.mark.parametrize("body", [STREAM, CHAT], ids=["streamed", "whole"])


async def _leave(client: RawClient) -> None:
    client.close()
    await wait_all_tasks_blocked()


def _leases(program: Program) -> dict[str, int]:
    return {key: resident.leases for key, (resident, _) in program.runners.residents.items()}


@both_kinds
async def test_leaving_while_loading_reaches_no_engine(
    autojump_clock: MockClock, body: dict[str, object]
) -> None:
    async with open_program(spawn=FakeSpawner(Behaviour(loads_for=30))) as program:
        client = program.client()
        await client.request(body=body)
        await trio.sleep(10)
        await _leave(client)
        await trio.sleep(60)
        assert program.engine.bytes_received == 0
        assert _leases(program) == {"a": 0}
        assert [exchange.outcome for exchange in program.exchanges] == [Outcome.CANCELLED]


@both_kinds
async def test_leaving_the_queue_reaches_no_engine_and_touches_no_neighbour(
    autojump_clock: MockClock, body: dict[str, object]
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=20, every=1))
    async with open_program(engine=engine, slots=1) as program:
        neighbour, client = program.client(), program.client()
        await neighbour.request(body=STREAM)
        await trio.sleep(3)
        before = engine.bytes_received
        await client.request(body=body)
        await trio.sleep(5)
        await _leave(client)
        reply = await neighbour.reply()
        assert reply.body.count(b'"content":"t') + reply.body.count(b'"content": "t') == 20
        assert engine.bytes_received == before
        assert len(program.runners.line) == 0


@both_kinds
@pytest.mark.parametrize("phase", ["prefill", "decode"])
async def test_leaving_closes_the_connection_to_the_engine_at_once(
    autojump_clock: MockClock, body: dict[str, object], phase: str
) -> None:
    script = TokenScript(tokens=FOREVER, every=1, batches=100, batch_takes=1)
    if phase == "decode":
        script.batches, script.batch_takes = 1, 0
    engine = ScriptedEngine(script)
    async with open_program(engine=engine) as program:
        client = program.client()
        await client.request(body=body)
        await trio.sleep(7.5)
        left = trio.current_time()
        await _leave(client)
        await trio.sleep(1)
        (asked,) = engine.asked
        (exchange,) = program.exchanges
        assert asked.closed_at == left
        assert exchange.closed_after == 0
        assert exchange.outcome is Outcome.CANCELLED
        assert _leases(program) == {"a": 0}


@pytest.mark.parametrize("how", ["reset", "half-close", "behind pipelined bytes"])
async def test_every_way_of_leaving_is_noticed(autojump_clock: MockClock, how: str) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(engine=engine) as program:
        client = program.client()
        await client.request(body=STREAM)
        await trio.sleep(2.5)
        if how == "reset":
            reset_when_closed(client.sock)
            client.close()
        elif how == "half-close":
            client.sock.shutdown(socket.SHUT_WR)
        else:
            await client.send(b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n" * 3)
            client.close()
        await wait_all_tasks_blocked()
        assert engine.asked[0].closed_at is not None


async def test_a_lease_comes_back_only_when_its_slot_is_seen_idle(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(engine=engine, slots=1) as program:
        client = program.client()
        await client.request(body=STREAM)
        await trio.sleep(2.5)
        control = program.spawn.children[0].control
        control.busy = {0}
        await _leave(client)
        await trio.sleep(3)
        assert _leases(program) == {"a": 1}
        control.busy = set()
        await trio.sleep(2)
        assert _leases(program) == {"a": 0}
        (confirmed,) = [event for event in program.told if isinstance(event, CancelConfirmed)]
        assert confirmed.after is not None
        assert 3 < confirmed.after < 5


async def test_a_slot_that_stays_busy_is_reported_at_its_bound(autojump_clock: MockClock) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(engine=engine, slots=1) as program:
        client = program.client()
        await client.request(body=STREAM)
        await trio.sleep(2.5)
        program.spawn.children[0].control.busy = {0}
        await _leave(client)
        await trio.sleep(40)
        confirmed = [event for event in program.told if isinstance(event, CancelConfirmed)]
        assert confirmed == [CancelConfirmed("a", None)]
        assert _leases(program) == {"a": 0}


async def test_a_cancelled_exchange_never_returns_its_connection(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(TokenScript(tokens=FOREVER, every=1))
    async with open_program(engine=engine) as program:
        client = program.client()
        await client.request(body=STREAM)
        await trio.sleep(2.5)
        await _leave(client)
        engine.script = TokenScript()
        other = program.client()
        await other.request(body=CHAT)
        assert (await other.reply()).status == 200
        assert len(program.network.upstream) == 2


async def test_a_load_outlives_the_client_that_asked_for_it(autojump_clock: MockClock) -> None:
    async with open_program(spawn=FakeSpawner(Behaviour(loads_for=30))) as program:
        first, second = program.client(), program.client()
        await first.request(body=STREAM)
        await trio.sleep(5)
        await second.request(body=CHAT)
        await trio.sleep(5)
        await _leave(first)
        assert (await second.reply()).status == 200
        assert [what for _, _, what in program.spawn.history] == ["spawned"]
