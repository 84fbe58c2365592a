"""What clients see when a child fails, on the virtual clock."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.app import AppConfig
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.scheduling.circuit import SETTLED
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.program import CHAT, STREAM, Program, open_program
from tests.support.scripted_engine import (
    FOREVER,
    Asked,
    EngineConnection,
    ScriptedEngine,
    TokenScript,
)

FAILS = Behaviour(loads_for=30, exits_after=2, exit_code=1, prints=("error: no luck today",))
LIMIT = 60.0
STALLS = AppConfig(scheduling=SchedulingConfig(stall_limit=LIMIT))
SOON = 2.0
"""Seconds within which whoever is affected must know."""


async def _chat(program: Program, model: str = "a", **fields: Any) -> Reply:
    return await ask(program.client(), request_bytes(body={**CHAT, "model": model, **fields}))


async def test_a_start_that_fails_is_told_at_once_and_tried_again_after_a_pause(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(FAILS)
    async with open_program(spawn=spawn) as program:
        for number, pause in enumerate((0, 1, 2)):
            began = trio.current_time()
            reply = await _chat(program)
            assert reply.status == 500
            assert reply.json["error"]["code"] == "model_load_failed"
            assert "no luck today" in reply.json["error"]["message"]
            assert trio.current_time() - began == pytest.approx(pause + FAILS.exits_after, abs=0.1)
            assert len(spawn.children) == number + 1


async def test_a_model_that_fails_again_and_again_is_left_alone_and_its_clients_told_why(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(FAILS)
    async with open_program(spawn=spawn) as program:
        for _ in range(3):
            await _chat(program)
        began = trio.current_time()
        reply = await _chat(program)
        assert trio.current_time() == began
        assert (reply.status, reply.headers["retry-after"]) == (503, "30")
        error = reply.json["error"]
        assert error["code"] == "model_load_failed"
        assert "3 starts in a row have failed" in error["message"]
        assert "no luck today" in error["message"] and "in 30 s" in error["message"]
        assert len(spawn.children) == 3
        assert (await _chat(program, "b")).status == 500  # each model has its own


async def test_after_the_rest_one_start_decides(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(FAILS)
    async with open_program(spawn=spawn) as program:
        for _ in range(3):
            await _chat(program)
        await trio.sleep(30)
        assert (await _chat(program)).status == 500
        assert (await _chat(program)).status == 503
        await trio.sleep(30)
        spawn.behaviour = Behaviour()
        assert (await _chat(program)).status == 200
        await trio.sleep(SETTLED)
        spawn.behaviour = FAILS
        spawn.alive[0].die(-9)
        await wait_all_tasks_blocked()
        assert (await _chat(program)).status == 500  # it is counted anew


async def test_who_asks_while_a_pause_lasts_waits_for_its_end(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(FAILS)
    async with open_program(spawn=spawn) as program:
        for _ in range(2):
            await _chat(program)
        spawn.behaviour = Behaviour(loads_for=1)
        began = trio.current_time()
        assert (await _chat(program)).status == 200
        assert trio.current_time() - began == pytest.approx(2 + 1, abs=0.1)


async def test_a_model_that_never_answers_anybody_is_not_loaded_for_ever(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=1))

    async def crashes(_: Asked, connection: EngineConnection) -> None:
        spawn.alive[0].die(-11)
        await trio.sleep_forever()

    async with open_program(spawn=spawn, engine=ScriptedEngine(crashes)) as program:
        for pause in (0, 1, 2):
            began = trio.current_time()
            reply = await _chat(program)
            assert (reply.status, reply.json["error"]["code"]) == (502, "model_stopped")
            assert trio.current_time() - began <= pause + 1 + SOON
        began = trio.current_time()
        reply = await _chat(program)
        assert (reply.status, trio.current_time()) == (503, began)
        assert "before it had answered anybody" in reply.json["error"]["message"]
        assert len(spawn.children) == 3


async def test_a_model_that_answers_and_crashes_soon_is_not_loaded_for_ever(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    async with open_program(spawn=spawn) as program:
        for pause in (0, 1, 2):
            began = trio.current_time()
            assert (await _chat(program)).status == 200
            assert trio.current_time() - began == pytest.approx(pause, abs=0.1)
            spawn.alive[0].die(-11)
            await wait_all_tasks_blocked()
        reply = await _chat(program)
        assert (reply.status, reply.headers["retry-after"]) == (503, "30")
        assert "it ended 0 s after it was ready" in reply.json["error"]["message"]
        assert len(spawn.children) == 3


async def test_the_crash_of_a_model_that_has_served_for_long_is_no_failed_start(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    async with open_program(spawn=spawn) as program:
        for _ in range(5):
            began = trio.current_time()
            assert (await _chat(program)).status == 200
            assert trio.current_time() - began < 0.1
            await trio.sleep(SETTLED)
            spawn.alive[0].die(-11)
            await wait_all_tasks_blocked()
            assert program.runners.planner.circuits.told("a") is None


async def test_a_model_that_is_stopped_soon_after_its_answer_has_started_well(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(FAILS)
    async with open_program(spawn=spawn) as program:
        for _ in range(2):
            await _chat(program)
        spawn.behaviour = Behaviour()
        assert (await _chat(program, ttl=0)).status == 200
        await trio.sleep(1)
        assert not spawn.alive
        assert program.runners.planner.circuits.told("a") is None


Script = Callable[[Asked, EngineConnection], Awaitable[None]]


class HangsFor:
    """Answers as scripted, but after some tokens no more to one user."""

    def __init__(self, after: Script) -> None:
        self._after = after

    async def __call__(self, asked: Asked, connection: EngineConnection) -> None:
        if asked.body.get("user") != "unlucky":
            await TokenScript(tokens=FOREVER, every=1.0)(asked, connection)
        await self._after(asked, connection)
        await trio.sleep_forever()


async def _says_nothing(_: Asked, connection: EngineConnection) -> None: ...


async def _begins(_: Asked, connection: EngineConnection) -> None:
    await connection.start_stream()
    await connection.event({"choices": [{"index": 0, "delta": {"content": "Once"}}]})


@pytest.mark.parametrize("hangs", [_says_nothing, _begins], ids=["before", "within"])
async def test_a_child_that_hangs_is_ended_and_its_clients_told(
    autojump_clock: MockClock, hangs: Script
) -> None:
    spawn = FakeSpawner(Behaviour())
    engine = ScriptedEngine(HangsFor(hangs))
    async with open_program(spawn=spawn, config=STALLS, engine=engine) as program:
        began = trio.current_time()
        request = request_bytes(body={**STREAM, "user": "unlucky"})
        reply = await ask(program.client(), request)
        waited = trio.current_time() - began
        assert LIMIT <= waited <= LIMIT * 1.2 + SOON
        told, end, _ = reply.body.partition(b"data: [DONE]")
        assert end
        error = json.loads(told.strip().rpartition(b"data: ")[2])["error"]
        assert "made no progress for 60 s" in error["message"]
        await trio.sleep(2)
        assert not spawn.alive
        assert spawn.children[0].history[-1].startswith("exited")


async def test_a_child_of_which_only_the_decoding_hangs_is_ended(
    autojump_clock: MockClock,
) -> None:
    engine = ScriptedEngine(HangsFor(_says_nothing))
    async with open_program(config=STALLS, engine=engine) as program:
        began = trio.current_time()
        client = program.client()
        await client.request(body={**STREAM, "user": "unlucky"})
        await trio.sleep(1)
        (child,) = program.spawn.alive
        child.control.hangs = True
        assert b"made no progress for 60 s" in (await client.reply()).body
        assert trio.current_time() - began <= LIMIT * 1.2 + SOON
        await trio.sleep(SOON)
        assert not program.spawn.alive
        assert "asked to exit" not in child.history


async def test_one_request_that_makes_progress_keeps_a_child_alive(
    autojump_clock: MockClock,
) -> None:
    async with open_program(
        config=STALLS, engine=ScriptedEngine(HangsFor(_begins)), slots=2
    ) as program:
        good, bad = program.client(), program.client()
        await bad.send(request_bytes(body={**STREAM, "user": "unlucky"}))
        await good.send(request_bytes(body=STREAM))
        with trio.move_on_after(10 * LIMIT) as lasted:
            while await good.receive():
                pass
        assert lasted.cancelled_caught and program.spawn.alive


@pytest.mark.parametrize("sign", ["log", "slots"])
async def test_a_silent_child_that_makes_progress_is_left_alone(
    autojump_clock: MockClock, sign: str
) -> None:
    async with open_program(
        config=STALLS, engine=ScriptedEngine(HangsFor(_says_nothing))
    ) as program:
        client = program.client()
        await client.send(request_bytes(body={**STREAM, "user": "unlucky"}))
        await trio.sleep(1)
        (child,) = program.spawn.alive
        for _ in range(100):
            await trio.sleep(LIMIT / 12)
            if sign == "log":
                await child.print("slot update: prompt progress")
            else:
                child.control.done += 1
        assert program.spawn.alive


async def test_an_idle_child_does_not_stall(autojump_clock: MockClock) -> None:
    async with open_program(config=STALLS) as program:
        assert (await _chat(program)).status == 200
        await trio.sleep(10 * LIMIT)
        assert program.spawn.alive
