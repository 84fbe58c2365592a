"""What every child and every spawner does, the fake one as the real ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import psutil
import pytest
import trio
from attrs import frozen

from llama_runner.concurrency.groups import sole_error
from llama_runner.runner.child import Child, Spawner
from llama_runner.runner.child_protocol import ChildReady, MessageReader
from llama_runner.runner.launch import Launch
from llama_runner.runner.spawner import system_spawner
from tests.support.children import small_launch
from tests.support.fake_child import Behaviour, FakeSpawner, fake_launch

# Real processes: generous, for machines that are busy with something else.
PATIENCE = 60


@frozen
class World:
    """A spawner, its way to launch, and its way to see whether a process lives."""

    spawn: Spawner
    launch: Launch
    lives: Callable[[Child], bool]

    @asynccontextmanager
    async def child(self) -> AsyncIterator[Child]:
        """A child whose pipes are read until it is dead, or it would freeze."""
        with trio.fail_after(PATIENCE):
            async with self.spawn(self.launch) as child:
                yield child
        await child.stdout.aclose()
        await child.stderr.aclose()


def fake_world(**behaviour) -> World:
    spawn = FakeSpawner(Behaviour(**behaviour))
    return World(spawn, fake_launch(), lambda child: child in spawn.alive)


def real_world(**behaviour) -> World:
    options = []
    for line in behaviour.pop("prints", ()):
        options += ["--print", line]
    if not behaviour.pop("talks", True):
        options.append("--silent")
    for name, value in behaviour.items():
        options += [f"--{name.replace('_', '-')}", str(value)]
    return World(
        system_spawner(), small_launch(*options), lambda child: psutil.pid_exists(child.pid)
    )


@pytest.fixture(params=[fake_world, real_world], ids=["fake", "process"])
def world(request):
    return request.param


async def until_ready(child: Child) -> ChildReady:
    reader = MessageReader()
    while chunk := await child.stdout.receive_some(65536):
        for message in reader.feed(bytes(chunk)).messages:
            if isinstance(message, ChildReady):
                return message
    raise AssertionError("it closed its stdout before it was ready")


async def everything(child: Child) -> bytes:
    return b"".join([bytes(chunk) async for chunk in child.stderr])


async def test_it_says_when_it_is_ready(world):
    async with world(loads_for=0.05).child() as child:
        await until_ready(child)
        assert await child.control.is_ready()


async def test_it_is_not_ready_while_it_loads(world):
    async with world(loads_for=60).child() as child:
        assert not await child.control.is_ready()


async def test_a_silent_child_is_found_ready(world):
    async with world(talks=False).child() as child:
        while not await child.control.is_ready():  # noqa: ASYNC110 - nobody tells us
            await trio.sleep(0.01)


async def test_its_exit_code_is_known_as_soon_as_it_exits(world):
    async with world(exits_after=0.1, exit_code=7).child() as child:
        assert child.exit_code is None
        assert await child.wait() == 7
        assert await child.wait() == 7
        assert child.exit_code == 7


async def test_several_tasks_may_wait_for_the_exit(world):
    codes = []
    async with world(exits_after=0.1, exit_code=7).child() as child:

        async def wait() -> None:
            codes.append(await child.wait())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(wait)
    assert codes == [7, 7]


async def test_last_words_are_heard_after_the_end(world):
    here = world(prints=("one", "two"), exits_after=0.2)
    with trio.fail_after(PATIENCE):
        async with here.spawn(here.launch) as child:
            await child.wait()
        assert (await everything(child)).split() == [b"one", b"two"]
        await child.stdout.aclose()


async def test_a_child_that_has_served_exits_when_asked(world):
    here = world()
    async with here.child() as child:
        await until_ready(child)
        child.served()
        assert here.lives(child)
    assert child.exit_code == 0
    assert not here.lives(child)


async def test_a_child_that_loads_is_ended_without_being_asked(world):
    here = world(loads_for=60)
    async with here.child() as child:
        assert here.lives(child)
    assert child.exit_code not in (None, 0)
    assert not here.lives(child)


async def test_a_child_that_takes_too_long_is_killed(world):
    here = world(stop_takes=60)
    async with here.child() as child:
        await until_ready(child)
        child.served()
    assert child.exit_code not in (None, 0)
    assert not here.lives(child)


async def test_a_hurried_child_is_hung_up_on(world):
    here = world(stop_takes=60)
    async with here.child() as child:
        await until_ready(child)
        child.served()
        child.hurry()
    assert child.exit_code == 1
    assert not here.lives(child)


async def test_a_stop_can_be_hurried_while_it_runs(world):
    here = world(stop_takes=60)

    async def stop(task_status: trio.TaskStatus[Child]) -> None:  # noqa: ASYNC114 - a local one
        async with here.child() as child:
            await until_ready(child)
            child.served()
            task_status.started(child)

    async with trio.open_nursery() as nursery:
        child = await nursery.start(stop)
        child.hurry()
    # One that heard the request may be past hearing the hang-up; then it is killed.
    assert child.exit_code not in (None, 0)
    assert not here.lives(child)


@pytest.mark.parametrize("loads_for", [0, 60], ids=["ready", "loading"])
async def test_cancellation_leaves_no_child(world, loads_for):
    here = world(loads_for=loads_for)
    with trio.CancelScope() as scope:
        async with here.child() as child:
            if not loads_for:
                await until_ready(child)
                child.served()
            scope.cancel()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert not here.lives(child)
    await child.stdout.aclose()
    await child.stderr.aclose()


async def test_cancellation_before_the_spawn_spawns_nothing(world):
    here = world()
    block: AbstractAsyncContextManager[Child] = here.spawn(here.launch)
    with trio.CancelScope() as scope:
        scope.cancel()
        async with block:
            raise AssertionError("it was spawned")
    assert scope.cancelled_caught


async def test_an_error_in_the_block_leaves_no_child_and_comes_out(world):
    here = world()
    with pytest.raises(ValueError, match="of the block"), sole_error():
        async with here.child() as child:
            raise ValueError("of the block")
    assert not here.lives(child)
    await child.stdout.aclose()
    await child.stderr.aclose()


async def test_a_program_that_is_not_there_is_an_os_error():
    launch = small_launch()
    with pytest.raises(FileNotFoundError):
        async with system_spawner()(
            fake_launch(command=("/no/such/llama-server",), port=launch.port)
        ):
            raise AssertionError("it was spawned")
