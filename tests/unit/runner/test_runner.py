from __future__ import annotations

import logging
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from llama_runner.errors import StartFailed
from llama_runner.runner.diagnosis import Cause
from llama_runner.runner.launch import Launch
from llama_runner.runner.runner import Runner
from llama_runner.runner.state import Exited, Ready, Starting, Stopping
from tests.support.fake_child import Behaviour, FakeSpawner, fake_launch

LOST = "E srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18080"


def is_ready(state: object) -> bool:
    return isinstance(state, Ready)


def runner_of(spawn: FakeSpawner, launch: Launch | None = None, **hooks: object) -> Runner:
    return Runner(lambda: launch or fake_launch(), spawn, **hooks)  # type: ignore[arg-type]


async def test_readiness_is_taken_from_the_childs_own_word(autojump_clock):
    runner = runner_of(FakeSpawner(Behaviour(loads_for=30, meta={"n_ctx": 4096})))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run)
        state = await runner.state.wait_for(is_ready)
        assert trio.current_time() == 30
        assert isinstance(state, Ready)
        assert state.meta == {"n_ctx": 4096}
        assert state.launch is runner.launch
        nursery.cancel_scope.cancel()


async def test_a_child_that_says_nothing_is_probed(autojump_clock):
    runner = runner_of(FakeSpawner(Behaviour(loads_for=30.003, talks=False)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run)
        await runner.state.wait_for(is_ready)
        assert trio.current_time() == pytest.approx(30.01)
        nursery.cancel_scope.cancel()


async def test_another_program_at_the_port_is_not_taken_for_the_child(autojump_clock):
    runner = runner_of(
        FakeSpawner(Behaviour(talks=False, foreign=True)), fake_launch(ready_within=9)
    )

    with pytest.raises(StartFailed, match="not ready within 9 s"):
        await runner.run()


async def test_progress_shows_while_loading(autojump_clock):
    runner = runner_of(FakeSpawner(Behaviour(loads_for=30)))
    assert runner.state.value == Starting(None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run)
        await trio.sleep(1)
        assert runner.state.value == Starting(0.0)
        nursery.cancel_scope.cancel()


async def test_an_exit_while_loading_is_noticed_at_once_and_explained(autojump_clock):
    spawn = FakeSpawner(
        Behaviour(
            loads_for=30,
            exits_after=3,
            exit_code=1,
            prints=("error: invalid argument: --foo",),
        )
    )
    runner = runner_of(spawn)

    with pytest.raises(StartFailed) as caught:
        await runner.run()

    assert trio.current_time() == 3
    assert str(caught.value) == "smol did not start: unknown option --foo"
    state = runner.state.value
    assert isinstance(state, Exited)
    assert state.code == 1
    assert state.diagnosis.cause is Cause.BAD_FLAG
    assert state.tail == ("error: invalid argument: --foo",)
    assert not spawn.alive


async def test_an_exit_while_serving_ends_the_run_without_an_error(autojump_clock):
    runner = runner_of(FakeSpawner(Behaviour(loads_for=1, exits_after=5, exit_code=-11)))

    await runner.run()

    assert trio.current_time() == 5
    state = runner.state.value
    assert isinstance(state, Exited)
    assert (state.code, state.diagnosis.cause) == (-11, Cause.CRASHED)


async def test_a_child_that_is_not_ready_in_time_is_stopped(autojump_clock):
    spawn = FakeSpawner(Behaviour(loads_for=500, prints=("loading tensors",)))
    runner = runner_of(spawn, fake_launch(ready_within=300))

    with pytest.raises(StartFailed, match="not ready within 300 s; its last words: loading ten"):
        await runner.run()

    assert spawn.history == [(0, "smol", "spawned"), (300, "smol", "dead")]
    assert spawn.children[0].history == ["terminated", "exited -15"]


async def test_cancelling_while_loading_terminates_at_once(autojump_clock):
    spawn = FakeSpawner(Behaviour(loads_for=500))
    runner = runner_of(spawn)
    with trio.move_on_after(10):
        await runner.run()

    assert spawn.history == [(0, "smol", "spawned"), (10, "smol", "dead")]
    assert spawn.children[0].history == ["terminated", "exited -15"]
    state = runner.state.value
    assert isinstance(state, Exited)
    assert state.diagnosis.cause is Cause.STOPPED


async def test_cancelling_while_ready_asks_first(autojump_clock):
    spawn = FakeSpawner(Behaviour(stop_takes=1))
    runner = runner_of(spawn)
    with trio.move_on_after(10):
        await runner.run()

    assert spawn.history[-1] == (11, "smol", "dead")
    assert spawn.children[0].history == ["asked to exit", "exited 0"]
    assert isinstance(runner.state.value, Exited)
    assert runner.state.value.code == 0


async def test_who_does_not_heed_the_request_is_killed(autojump_clock):
    spawn = FakeSpawner(Behaviour(stop_takes=99))
    runner = runner_of(spawn)
    with trio.move_on_after(10):
        await runner.run()

    assert spawn.history[-1] == (11.5, "smol", "dead")
    assert spawn.children[0].history == ["asked to exit", "exited -9"]


async def test_a_hurried_stop_is_quick_even_when_it_has_begun(autojump_clock):
    spawn = FakeSpawner(Behaviour(stop_takes=99))
    runner = runner_of(spawn)

    async def hurry_later() -> None:
        await trio.sleep(10.5)
        runner.hurry()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hurry_later)
        with trio.move_on_after(10):
            await runner.run()

    assert spawn.history[-1] == (10.5, "smol", "dead")
    assert spawn.children[0].history == ["asked to exit", "hung up", "exited 1"]


async def test_a_stop_hurried_beforehand_does_not_ask(autojump_clock):
    spawn = FakeSpawner(Behaviour(stop_takes=99))
    runner = runner_of(spawn)
    runner.hurry()
    with trio.move_on_after(10):
        await runner.run()

    assert spawn.history[-1] == (10, "smol", "dead")
    assert spawn.children[0].history == ["hung up", "exited 1"]


async def test_the_state_is_stopping_until_the_child_is_dead(autojump_clock):
    runner = runner_of(FakeSpawner(Behaviour(stop_takes=1)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(runner.run)
        await runner.state.wait_for(is_ready)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await wait_all_tasks_blocked()
            assert runner.state.value == Stopping()
            await trio.sleep(0.5)
            assert runner.state.value == Stopping()
    assert isinstance(runner.state.value, Exited)


async def test_what_is_open_while_ready_is_closed_before_the_child_is_asked(autojump_clock):
    spawn = FakeSpawner()
    seen: list[str] = []

    @asynccontextmanager
    async def connections(launch: Launch):
        seen.append(f"open {launch.endpoint}")
        try:
            yield
        finally:
            seen.append(f"closed, child history {spawn.children[0].history}")

    runner = runner_of(spawn, while_ready=connections)
    with trio.move_on_after(1):
        await runner.run()

    assert seen == ["open http://127.0.0.1:18080", "closed, child history []"]


async def test_a_port_lost_to_another_program_is_replaced(autojump_clock):
    loser = Behaviour(loads_for=9, exits_after=1, exit_code=1, prints=(LOST,))
    spawn = FakeSpawner(of={"first": loser, "second": loser})
    names = iter(["first", "second", "third"])
    runner = Runner(lambda: fake_launch(next(names)), spawn)
    with trio.move_on_after(60):
        await runner.run()

    assert [name for _, name, what in spawn.history if what == "spawned"] == [
        "first",
        "second",
        "third",
    ]
    assert spawn.children[2].history == ["asked to exit", "exited 0"]


@pytest.mark.parametrize("words", [LOST, "W srv: its log was cut off"])
async def test_three_lost_ports_are_enough_whether_it_says_so_or_not(autojump_clock, words):
    loser = Behaviour(loads_for=9, exits_after=1, exit_code=1, prints=(words,), foreign=True)
    spawn = FakeSpawner(loser)

    with pytest.raises(StartFailed, match="port 18080 is taken by another program"):
        await runner_of(spawn).run()

    assert len(spawn.children) == 3


async def test_what_it_says_of_its_end_counts_for_more_than_a_taken_port(autojump_clock):
    words = ("error: invalid argument: --foo",)
    spawn = FakeSpawner(Behaviour(loads_for=9, exits_after=1, prints=words, foreign=True))

    with pytest.raises(StartFailed, match="unknown option --foo"):
        await runner_of(spawn).run()


async def test_a_child_that_has_served_had_its_port(autojump_clock):
    runner = runner_of(FakeSpawner(Behaviour(exits_after=5, exit_code=1, foreign=True)))
    await runner.run()

    assert isinstance(runner.state.value, Exited)
    assert runner.state.value.diagnosis.cause is Cause.UNKNOWN


async def test_a_program_that_cannot_be_run_is_a_failed_start(autojump_clock):
    spawn = FakeSpawner(Behaviour(fails=FileNotFoundError(2, "No such file")))
    runner = runner_of(spawn)

    with pytest.raises(StartFailed, match="smol did not start: there is no llama-server"):
        await runner.run()

    assert isinstance(runner.state.value, Exited)
    assert runner.state.value.code is None


async def test_a_launch_that_cannot_be_made_is_told_as_it_is(autojump_clock):
    def no_launch() -> Launch:
        raise StartFailed("the embedded engine does not take rpc")

    runner = Runner(no_launch, FakeSpawner())
    with pytest.raises(StartFailed, match="embedded engine"):
        await runner.run()
    assert isinstance(runner.state.value, Exited)


async def test_settings_that_came_out_otherwise_are_warned_about(autojump_clock, caplog):
    runner = runner_of(FakeSpawner(Behaviour(props={"total_slots": 4})), fake_launch(slots=2))
    with caplog.at_level(logging.WARNING), trio.move_on_after(1):
        await runner.run()

    assert "smol: 2 slots were asked for, it has 4" in caplog.text


async def test_the_childs_lines_reach_our_log_and_the_tail(autojump_clock, caplog):
    spawn = FakeSpawner(Behaviour(prints=("hello", "world")))
    runner = runner_of(spawn)
    with caplog.at_level(logging.DEBUG, "llama_runner.engine"), trio.move_on_after(1):
        await runner.run()

    assert [record.message for record in caplog.records if "engine" in record.name] == [
        "smol: hello",
        "smol: world",
    ]
    assert runner.tail.last(9) == ("hello", "world")
