"""Models loaded, unloaded and pinned at somebody's word, over the dashboard's port."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.errors import NoRoom
from llama_runner.memory.amounts import Amounts
from llama_runner.model_control import ModelControl
from llama_runner.relay.target import Target
from llama_runner.runner_manager import RunnerManager
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.fake_memory import ram
from tests.support.front_door import ask
from tests.support.http_client import Reply, request_bytes
from tests.support.manager import SIZE, managed, spec, steps, use
from tests.support.program import Program, open_program

KEY = {"authorization": "Bearer control"}


def control_of(manager: RunnerManager) -> ModelControl:
    """Return the control of a manager, which knows three models with one slot each."""
    targets = {name: Target(name, spec(name, slots=1)) for name in "abc"}
    return ModelControl(targets.__getitem__, manager)


async def test_a_model_is_loaded_in_its_turn_and_stays(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=30))
    async with managed(spawn) as manager:
        assert await control_of(manager).load("a", "me") == "a"
        assert [trail.outcome for trail in manager.timeline.over] == ["loaded"]
        assert trio.current_time() == pytest.approx(30, abs=1)
        assert steps(spawn) == ["spawned a"]
        assert len(manager.line) == 0


async def test_an_unload_waits_for_the_answers_and_for_who_came_before(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(Behaviour(stop_takes=1))
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        model, began = spec("a", slots=1), trio.current_time()
        nursery.start_soon(use, manager, model, 10)
        await trio.sleep(1)
        nursery.start_soon(use, manager, model, 10)
        await trio.sleep(1)
        assert await control_of(manager).unload("a")
        assert trio.current_time() - began == pytest.approx(21, abs=0.5)
        assert steps(spawn) == ["spawned a", "dead a"]
        assert not manager.residents


async def test_who_asks_during_an_unload_has_the_model_loaded_again(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 10)
        await trio.sleep(1)
        nursery.start_soon(control_of(manager).unload, "a")
        await wait_all_tasks_blocked()
        began = trio.current_time()
        await use(manager, spec("a"), 1)  # though seven slots are free
        assert trio.current_time() - began == pytest.approx(9 + 1, abs=0.5)
        assert steps(spawn) == ["spawned a", "dead a", "spawned a"]


async def test_a_load_that_nobody_waits_for_is_broken_off(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=300))
    async with managed(spawn) as manager:
        with trio.move_on_after(1):
            await use(manager, spec("a"), 1)
        assert await control_of(manager).unload("a")
        assert trio.current_time() < 10
        assert not await control_of(manager).unload("a")


async def test_a_pinned_model_is_not_evicted_until_it_is_unpinned(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager:
        control = control_of(manager)
        control.pin("a", pinned=True)
        await control.load("a", "me")
        with pytest.raises(NoRoom):
            await use(manager, spec("b"), 1)
        control.pin("a", pinned=False)
        await use(manager, spec("b"), 1)
        assert steps(spawn) == ["spawned a", "dead a", "spawned b"]


async def test_an_outlook_changes_nothing(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        control = control_of(manager)
        assert control.outlook("a") == {
            **{"model": "a", "loaded": False, "can_load": True, "reason": None},
            **{"evicts": [], "waits_for": [], "bytes": {"ram": SIZE}, "seconds": 0.0},
        }
        nursery.start_soon(use, manager, spec("a"), 10)
        await trio.sleep(1)
        assert control.outlook("a")["loaded"]
        seen = control.outlook("b")
        assert (seen["can_load"], seen["evicts"], seen["waits_for"]) == (True, ["a"], ["a"])
        await trio.sleep(10)
        seen = control.outlook("b")
        assert (seen["evicts"], seen["waits_for"]) == (["a"], [])
        control.pin("a", pinned=True)
        seen = control.outlook("b")
        assert not seen["can_load"] and "pinned" in seen["reason"]
        assert steps(spawn) == ["spawned a"]


async def test_an_outlook_asks_once_what_the_model_will_hold(autojump_clock: MockClock) -> None:
    asked: list[Amounts] = []

    def footprint() -> Amounts:
        asked.append(ram(SIZE))
        return asked[-1]

    target = Target("a", evolve(spec("a"), footprint=footprint))
    async with managed(FakeSpawner()) as manager:
        ModelControl(lambda _: target, manager).outlook("a")
    assert len(asked) == 1


async def _post(program: Program, path: str, body: Any, **headers: str) -> Reply:
    request = request_bytes("POST", f"/api/models/{path}", body, {**KEY, **headers})
    return await ask(program.client(), request)


async def test_the_routes_do_it(autojump_clock: MockClock) -> None:
    async with open_program(facade="dashboard") as program:
        reply = await _post(program, "load", {"model": "a"})
        assert (reply.status, reply.json) == (200, {"model": "a", "loaded": True})
        reply = await _post(program, "pin", {"model": "a", "pinned": True})
        assert reply.json == {"model": "a", "pinned": True}
        reply = await ask(
            program.client(), request_bytes("GET", "/api/models/outlook?model=b"), "GET"
        )
        assert reply.json["can_load"] is False
        reply = await _post(program, "unload", {"model": "a"})
        assert reply.json == {"model": "a", "was_loaded": True}
        assert not program.spawn.alive


@pytest.mark.parametrize("path", ["load", "unload", "pin"])
@pytest.mark.parametrize("key", ["", "Bearer wrong", "control"])
async def test_only_the_command_line_may(autojump_clock: MockClock, path: str, key: str) -> None:
    async with open_program(facade="dashboard") as program:
        reply = await _post(program, path, {"model": "a", "pinned": True}, authorization=key)
        assert (reply.status, reply.json["code"]) == (403, "not_allowed")
        await trio.sleep(1)
        assert not program.spawn.children and not program.runners.pins


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("load", b"{", 400, "JSON"),
        ("load", [1], 400, "a JSON object"),
        ("load", {"name": "a"}, 400, "model: expected the name of a model, got None"),
        ("unload", {"model": 7}, 400, "model: expected the name of a model, got 7"),
        ("pin", {"model": "a", "pinned": 1}, 400, "pinned: expected true or false, got 1"),
        ("load", {"model": "nobody"}, 404, "no model is called 'nobody'"),
        ("unload", {"model": "nobody"}, 404, "no model is called 'nobody'"),
        ("pin", {"model": "nobody", "pinned": True}, 404, "no model is called 'nobody'"),
    ],
)
async def test_what_is_wrong_is_named(
    autojump_clock: MockClock, path: str, body: Any, status: int, named: str
) -> None:
    async with open_program(facade="dashboard") as program:
        reply = await _post(program, path, body)
        assert reply.status == status
        assert named in reply.json["error"]


async def test_a_model_that_cannot_start_is_told_with_its_cause(autojump_clock: MockClock) -> None:
    fails = Behaviour(loads_for=9, exits_after=1, exit_code=1, prints=("error: no luck today",))
    async with open_program(facade="dashboard", spawn=FakeSpawner(fails)) as program:
        reply = await _post(program, "load", {"model": "a"})
        assert reply.status == 500
        assert "no luck today" in reply.json["error"]
