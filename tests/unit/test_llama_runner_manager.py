from __future__ import annotations


import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import (
    ModelTooLarge,
    NoRoom,
    QueueFull,
    RunnerLost,
    ShuttingDown,
    StartFailed,
)
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event, RunnerChanged
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.preloading import preload
from llama_runner.scheduling.resident import Phase
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from tests.support.fake_child import Behaviour, FakeSpawner
from tests.support.fake_memory import FakeMemory
from tests.support.manager import managed, spec, steps, use


async def test_the_first_request_loads_the_model(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=30))
    async with managed(spawn) as manager:
        began = trio.current_time()
        with manager.queue(spec("a"), "client") as place:
            lease = await place.granted()
            assert trio.current_time() - began == pytest.approx(30, abs=0.1)
            assert lease.pool.port == 18080
    assert steps(spawn) == ["spawned a", "dead a"]


async def test_requests_that_arrive_during_a_load_share_it(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=30))
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(use, manager, spec("a"), 1)
        await trio.sleep(40)
        assert steps(spawn) == ["spawned a"]


async def test_requests_beyond_the_slots_wait_their_turn(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(use, manager, spec("a", slots=2), 10)
        await trio.sleep(5)
        assert len(manager.line) == 2
        await trio.sleep(10)
        assert len(manager.line) == 0


async def test_an_eviction_waits_for_the_last_lease(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(stop_takes=1))
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 60)
        await trio.sleep(1)
        began = trio.current_time()
        await use(manager, spec("b"), 0)
        assert trio.current_time() - began == pytest.approx(60, abs=0.5)
        assert steps(spawn) == ["spawned a", "dead a", "spawned b"]


async def test_a_client_that_leaves_the_queue_causes_no_load(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 60)
        await wait_all_tasks_blocked()
        with trio.move_on_after(5):
            await use(manager, spec("b"), 1)
        await trio.sleep(120)
        assert steps(spawn) == ["spawned a"]


async def test_a_child_that_dies_while_loading_fails_its_waiters(
    autojump_clock: MockClock,
) -> None:
    dies = Behaviour(loads_for=30, exits_after=3, exit_code=1, prints=("no luck today",))
    async with managed(FakeSpawner(dies)) as manager:
        with pytest.raises(StartFailed, match="no luck today"):
            await use(manager, spec("a"), 1)


async def test_a_child_that_dies_while_lent_tells_its_fate(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager:
        with manager.queue(spec("a"), "client") as place:
            lease = await place.granted()
            spawn.children[0].die(-11)
            fate = await lease.fate()
    assert isinstance(fate, RunnerLost)
    assert str(fate).startswith("a stopped: ")


async def test_a_lease_on_a_dead_runner_is_not_returned_to_its_successor(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner(Behaviour(exits_after=10))
    async with managed(spawn) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 15)
        await trio.sleep(12)
        with manager.queue(spec("a"), "client") as place:
            await place.granted()
            await trio.sleep(4)
            resident, _ = manager.residents["a"]
            assert resident.leases == 1


async def test_a_model_too_large_is_refused_at_once(autojump_clock: MockClock) -> None:
    async with managed(FakeSpawner()) as manager:
        with pytest.raises(ModelTooLarge):
            await use(manager, spec("a", 11), 1)


async def test_a_full_queue_refuses_the_next(autojump_clock: MockClock) -> None:
    settings = evolve(SchedulingConfig(), queue_limit=2)
    spawn = FakeSpawner(Behaviour(loads_for=30))
    async with managed(spawn, settings=settings) as manager, trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(use, manager, spec("a"), 1)
        await wait_all_tasks_blocked()
        with pytest.raises(QueueFull):
            await use(manager, spec("a"), 1)


async def test_a_wait_has_a_bound(autojump_clock: MockClock) -> None:
    settings = evolve(SchedulingConfig(), queue_timeout=20)
    async with managed(FakeSpawner(), settings=settings) as manager, trio.open_nursery() as nursery:
        nursery.start_soon(use, manager, spec("a"), 60)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        with pytest.raises(QueueFull):
            await use(manager, spec("b"), 1)
        assert trio.current_time() - began == pytest.approx(20)


async def test_leaving_stops_every_child_and_fails_the_queue(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(stop_takes=1))
    failures: list[ShuttingDown] = []

    async def queue_up(manager: RunnerManager) -> None:
        try:
            await use(manager, spec("b"), 1)
        except ShuttingDown as error:
            failures.append(error)

    async with trio.open_nursery() as nursery:
        async with managed(spawn) as manager:
            # The manager must end the waits of both.
            nursery.start_soon(use, manager, spec("a"), 60)  # noqa: ASYNC111 - it outlives it
            await trio.sleep(1)
            nursery.start_soon(queue_up, manager)  # noqa: ASYNC111 - it outlives it
            await wait_all_tasks_blocked()
        assert not spawn.alive
        nursery.cancel_scope.cancel()
    assert len(failures) == 1


async def test_every_change_of_a_runner_is_told(autojump_clock: MockClock) -> None:
    events: Broadcaster[Event] = Broadcaster()
    told: list[str] = []
    with events.subscribe() as received:
        spawn = FakeSpawner(Behaviour(loads_for=3))
        async with open_runner_manager(
            FakeMemory(10, {}, spawn), spawn, SchedulingConfig(), 30, events
        ) as manager:
            await use(manager, spec("a"), 1)
        with pytest.raises(trio.WouldBlock):
            while True:
                event = received.receive_nowait()
                assert isinstance(event, RunnerChanged)
                told.append(event.state)
    assert told[0] == "starting"
    assert "ready" in told
    assert told[-1] == "exited"


async def test_connections_are_closed_before_a_child_is_asked_to_exit(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager:
        with manager.queue(spec("a"), "client") as place:
            lease: RunnerLease = await place.granted()
            pool = lease.pool
        await use(manager, spec("b"), 0)
        with pytest.raises(RunnerLost):
            await pool.acquire()
        assert spawn.children[0].history == ["asked to exit", "exited 0"]


async def test_what_fits_is_preloaded_and_evicts_nothing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    spawn = FakeSpawner(Behaviour(loads_for=3))
    async with managed(spawn, 14) as manager:
        await preload(manager, [spec("a"), spec("b"), spec("c")])
        assert {key: found.phase for key, (found, _) in manager.residents.items()} == {
            "a": Phase.READY,
            "b": Phase.READY,
        }
    assert "c is not loaded now" in caplog.text


async def test_models_that_fit_stay_beside_each_other(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn, 12) as manager:
        for name in "abab":
            await use(manager, spec(name), 1)
        assert steps(spawn) == ["spawned a", "spawned b"]


async def test_an_idle_model_ends_with_its_keep_alive(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner()
    async with managed(spawn) as manager:
        await use(manager, evolve(spec("a"), keep_alive=30.0), 50)
        await trio.sleep(29)
        assert spawn.alive
        await trio.sleep(2)
        assert not spawn.alive
        await use(manager, evolve(spec("a"), keep_alive=0.0), 50)
        await trio.sleep(1)
        assert not spawn.alive


async def test_the_next_child_waits_for_memory_to_be_seen_free(autojump_clock: MockClock) -> None:
    spawn = FakeSpawner(Behaviour(stop_takes=1))
    memory = FakeMemory(10, {"a": 6, "b": 6}, spawn)
    async with (
        open_runner_manager(memory, spawn, SchedulingConfig(), 30, Broadcaster()) as manager,
        trio.open_nursery() as nursery,
    ):
        await use(manager, spec("a"), 1)
        nursery.start_soon(use, manager, spec("b"), 1)
        await trio.sleep(0.5)
        memory.others = 6  # what the child holds until after its end
        await trio.sleep(2)
        assert steps(spawn) == ["spawned a", "dead a"]
        memory.others = 0
        await trio.sleep(0.1)
        assert steps(spawn) == ["spawned a", "dead a", "spawned b"]


async def test_memory_that_others_keep_is_not_waited_for_without_end(
    autojump_clock: MockClock,
) -> None:
    spawn = FakeSpawner()
    memory = FakeMemory(10, {"a": 6}, spawn, others=5)
    async with open_runner_manager(
        memory, spawn, SchedulingConfig(memory_wait=7), 30, Broadcaster()
    ) as manager:
        began = trio.current_time()
        with pytest.raises(NoRoom, match="a needs 6 bytes of ram"):
            await use(manager, spec("a"), 1)
        assert trio.current_time() - began == pytest.approx(7, abs=0.1)
