"""How long a model stays that a request has said something about."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.program import CHAT, STREAM, Program, open_program


async def _chat(program: Program, **fields: Any) -> Reply:
    return await ask(program.client(), request_bytes(body={**CHAT, **fields}))


@pytest.mark.parametrize("body", [CHAT, STREAM], ids=["whole", "streamed"])
async def test_a_model_stays_for_as_long_as_a_request_says(
    autojump_clock: MockClock, body: dict[str, Any]
) -> None:
    async with open_program() as program:
        assert (await ask(program.client(), request_bytes(body={**body, "ttl": 60}))).status == 200
        await trio.sleep(59)
        assert program.spawn.alive
        await trio.sleep(2)
        assert not program.spawn.alive


async def test_each_request_lets_the_time_begin_anew(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        await _chat(program, ttl=60)
        for _ in range(5):
            await trio.sleep(50)
            await _chat(program)
        assert len(program.spawn.children) == 1
        await trio.sleep(61)
        assert not program.spawn.alive


async def test_the_last_that_says_something_counts(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        await _chat(program, ttl=60)
        await _chat(program, ttl=600)
        await trio.sleep(599)
        assert program.spawn.alive
        await trio.sleep(2)
        assert not program.spawn.alive


async def test_zero_has_it_stopped_after_the_answer(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        assert (await _chat(program, ttl=0)).status == 200
        await trio.sleep(1)
        assert not program.spawn.alive


async def test_lists_and_status_do_not_make_it_stay(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        await _chat(program, ttl=60)
        for _ in range(7):
            await trio.sleep(10)
            await ask(program.client(), request_bytes("GET", "/v1/models"), "GET")
        assert not program.spawn.alive


async def test_the_engine_is_not_told(autojump_clock: MockClock) -> None:
    async with open_program() as program:
        await _chat(program, ttl=60)
        (asked,) = program.engine.asked
        assert "ttl" not in asked.body


@pytest.mark.parametrize("ttl", [-1, "5m", True, [60], 1e12])
async def test_what_is_no_time_is_refused(autojump_clock: MockClock, ttl: Any) -> None:
    async with open_program() as program:
        reply = await _chat(program, ttl=ttl)
        assert (reply.status, reply.json["error"]["param"]) == (400, "ttl")
        assert "expected seconds from 0 to" in reply.json["error"]["message"]
        assert not program.spawn.children
