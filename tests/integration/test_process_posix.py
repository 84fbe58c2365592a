"""What only a real POSIX process can show of the spawner and the runner."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
from contextlib import suppress

import psutil
import pytest
import trio
from attrs import evolve

from llama_runner.errors import StartFailed
from llama_runner.runner.child import Child
from llama_runner.runner.log_tail import CAPACITY
from llama_runner.runner.runner import Runner
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner.state import Exited, Ready
from tests.support.children import small_launch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")

PATIENCE = 60


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def grandchild_of(child: Child) -> int:
    printed = b""
    while not (found := re.search(rb"grandchild (\d+)\n", printed)):
        printed += bytes(await child.stderr.receive_some(4096))
    return int(found[1])


async def close(child: Child) -> None:
    await child.stdout.aclose()
    await child.stderr.aclose()


@pytest.mark.parametrize("place", ["member", "group"])
@pytest.mark.parametrize("served", [True, False], ids=["served", "loading"])
async def test_what_a_child_started_dies_with_it(place, served):
    """Also a grandchild that ignores SIGTERM and left the group, as under `set -m`."""
    launch = small_launch("--start", place)
    with trio.fail_after(PATIENCE):
        async with system_spawner()(launch) as child:
            grandchild = await grandchild_of(child)
            assert is_alive(grandchild)
            if served:
                child.served()
        assert not is_alive(grandchild)
        assert not is_alive(child.pid)
        await close(child)


@pytest.mark.parametrize("end", ["exit", "crash"])
async def test_what_a_child_started_dies_when_the_child_ends_by_itself(end):
    options = ("--exits-after", "0.1") if end == "exit" else ()
    launch = small_launch("--start", "member", *options)
    with trio.fail_after(PATIENCE):
        async with system_spawner()(launch) as child:
            grandchild = await grandchild_of(child)
            if end == "crash":
                os.kill(child.pid, signal.SIGSEGV)
            assert await child.wait() == (0 if end == "exit" else -signal.SIGSEGV)
        assert not is_alive(grandchild)
        await close(child)


@pytest.mark.parametrize("served", [True, False], ids=["served", "loading"])
async def test_a_child_that_ignores_everything_is_killed(served):
    with trio.fail_after(PATIENCE):
        async with system_spawner()(small_launch("--deaf", "--print", "up")) as child:
            await child.stderr.receive_some()
            if served:
                child.served()
        assert child.exit_code == -9
        assert not psutil.pid_exists(child.pid)
        await close(child)


async def test_a_waiting_child_is_not_reaped_before_its_group_is_dead():
    with trio.fail_after(PATIENCE):
        async with system_spawner()(small_launch("--exits-after", "0")) as child:
            await child.wait()
            # Its number is still its own: nobody else can be hit by a kill.
            assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
        assert not psutil.pid_exists(child.pid)
        await close(child)


async def test_the_exit_is_seen_without_process_descriptors_too(monkeypatch):
    def refuse(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with trio.fail_after(PATIENCE):
        async with system_spawner()(
            small_launch("--exits-after", "0.05", "--exit-code", "3")
        ) as child:
            assert await child.wait() == 3
        assert not psutil.pid_exists(child.pid)
        await close(child)


async def test_no_child_survives_a_runner_cancelled_at_any_moment():
    moments = random.Random(2026)  # noqa: S311 - repeatable, not secret
    for _ in range(15):
        runner = Runner(
            lambda: small_launch("--start", "member", "--loads-for", "0.2"), system_spawner()
        )
        with trio.fail_after(PATIENCE):
            with trio.move_on_after(moments.uniform(0, 0.6)):
                await runner.run()
        assert isinstance(runner.state.value, Exited)
        family = [int(line.split()[1]) for line in runner.tail.last(9) if "grandchild" in line]
        if runner.child is not None:
            assert not psutil.pid_exists(runner.child.pid)
        assert not any(is_alive(pid) for pid in family)


async def test_a_flood_of_output_neither_fills_the_memory_nor_freezes_the_child():
    runner = Runner(lambda: small_launch("--flood", "128"), system_spawner())
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            await runner.state.wait_for(lambda state: isinstance(state, Ready))
            kept = runner.tail.since(0)
            assert kept.end >= 128 * 8192
            assert kept.lost + len(kept.lines) == kept.end
            assert sum(map(len, kept.lines)) <= CAPACITY
            nursery.cancel_scope.cancel()


async def test_a_silent_real_child_is_probed_until_ready():
    runner = Runner(lambda: small_launch("--silent", "--loads-for", "0.2"), system_spawner())
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            await runner.state.wait_for(lambda state: isinstance(state, Ready))
            nursery.cancel_scope.cancel()


async def test_the_last_words_of_a_failed_start_are_in_the_message():
    line = "error: invalid argument: --foo"
    launch = small_launch(
        "--print", line, "--loads-for", "9", "--exits-after", "0", "--exit-code", "1"
    )
    with trio.fail_after(PATIENCE), pytest.raises(StartFailed, match="unknown option --foo"):
        await Runner(lambda: launch, system_spawner()).run()


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0o644, "may not be executed"), (0o755, "not a program for this machine")],
)
async def test_a_file_that_cannot_be_executed_is_explained(tmp_path, mode, words):
    program = tmp_path / "llama-server"
    program.write_text("")
    program.chmod(mode)
    launch = evolve(small_launch(), command=(str(program),))

    with pytest.raises(StartFailed, match=words):
        await Runner(lambda: launch, system_spawner()).run()


async def test_the_key_is_not_on_the_command_line_and_the_environment_is_ours():
    with trio.fail_after(PATIENCE):
        launch = small_launch("--print", "up")
        async with system_spawner()(launch) as child:
            await child.stderr.receive_some()
            process = psutil.Process(child.pid)
            assert launch.api_key not in " ".join(process.cmdline())
            with suppress(psutil.AccessDenied):
                assert process.environ() == dict(launch.environment)
        await close(child)
