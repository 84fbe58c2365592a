"""The lifeline with real processes: whatever ends us, and whatever we were doing."""

from __future__ import annotations

import logging
import os
import random
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import psutil
import pytest
import trio

from llama_runner.runner.child import Child, Spawner
from llama_runner.runner.child_protocol import ChildReady, MessageReader
from llama_runner.runner.lifetime import open_lifetime
from llama_runner.runner.spawner import system_spawner
from tests.support.brood import brood_launch, of_run
from tests.support.children import small_launch

if sys.platform == "win32":
    pytest.skip("there, the job object does it", allow_module_level=True)
assert sys.platform != "win32"  # for mypy --platform

from llama_runner.runner.lifeline import (  # noqa: E402 - not there on win32
    COMMAND,
    Lifeline,
    open_lifeline,
)

PATIENCE = 60
GONE_WITHIN = 1.0
COST = 10_000_000

KILLED_BY_TEST = """
import sys, trio
from pathlib import Path
from llama_runner.runner.lifetime import open_lifetime
from llama_runner.runner.spawner import system_spawner
from tests.support.children import small_launch

async def main():
    async with open_lifetime(system_spawner(), Path(sys.argv[1])) as spawn:
        async with spawn(small_launch("--start", sys.argv[2])) as child:
            await child.stdout.aclose()
            while said := await child.stderr.receive_some():
                print(said.decode(), end="", flush=True)

trio.run(main)
"""


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def program(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program of ours in a session of its own."""
    with subprocess.Popen(
        [sys.executable, *argv], stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def spoken(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read until a line matches."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"it ended before it said {pattern}")


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_no_child_survives_a_kill_in_the_very_act_of_starting_it(tmp_path: Path, soak: bool):
    rounds = 100 if soak else 5
    moments, run = random.Random(2026), secrets.token_hex(8)  # noqa: S311 - repeatable
    seen = 0
    for _ in range(rounds):
        with program("-m", "tests.support.brood", str(tmp_path), run, "6") as brood:
            spoken(brood, "up")
            with pytest.raises(subprocess.TimeoutExpired):
                brood.wait(moments.uniform(0, 0.25))
            family = family_of(brood)
            brood.kill()
            brood.wait()
            seen += len(family)
            psutil.wait_procs(family, GONE_WITHIN)
            # Also what was not there yet when we looked, and what had only been forked.
            assert not [process for process in family if is_alive(process.pid)]
            psutil.wait_procs(of_run(run), GONE_WITHIN)
            assert of_run(run) == []
    assert seen > rounds


@pytest.mark.parametrize("place", ["member", "group", "session", "orphan"])
@pytest.mark.parametrize("killed", ["process", "group"])
def test_what_a_child_started_ends_with_us_wherever_it_went(tmp_path, place, killed):
    with program("-c", KILLED_BY_TEST, str(tmp_path), place) as owner:
        grandchild = int(spoken(owner, r"grandchild (\d+)")[1])
        family = [*family_of(owner), psutil.Process(grandchild)]
        if killed == "group":
            os.killpg(owner.pid, signal.SIGKILL)
        else:
            owner.kill()
        owner.wait()
        _, left = psutil.wait_procs(family, GONE_WITHIN)
        assert not [process for process in left if is_alive(process.pid)]


def note_nothing(_pid: int, _name: str) -> nullcontext[None]:
    return nullcontext()


@asynccontextmanager
async def sleeper(lifeline: Lifeline, run: str) -> AsyncIterator[Child]:
    """A child that is held by the lifeline, in this very process."""
    launch = brood_launch(run)
    with lifeline.holding(f"LLAMA_API_KEY={launch.api_key}") as born:
        async with system_spawner()(launch) as child:
            born(child.pid)
            yield child
            await child.stdout.aclose()
            await child.stderr.aclose()


async def another_watcher(lifeline: Lifeline, than: int) -> int:
    with trio.fail_after(PATIENCE):
        while lifeline.watcher in (None, than):  # noqa: ASYNC110 - nobody tells us
            await trio.sleep(0.01)
    assert lifeline.watcher is not None
    return lifeline.watcher


async def test_a_watcher_that_dies_is_replaced_and_told_what_runs(caplog):
    async with open_lifeline(note_nothing) as lifeline, sleeper(lifeline, "run") as child:
        first = lifeline.watcher
        assert first is not None
        os.kill(first, signal.SIGKILL)
        second = await another_watcher(lifeline, than=first)
        assert is_alive(child.pid)
        assert "is started anew" in caplog.text
        # What it knows shows when its pipe breaks: it kills the child.
        lifeline.close()
        with trio.fail_after(PATIENCE):
            assert await child.wait() == -signal.SIGKILL
    assert not is_alive(second)


async def test_a_watcher_that_is_stuck_is_replaced_and_harms_nobody(caplog):
    async with open_lifeline(note_nothing) as lifeline, sleeper(lifeline, "run") as child:
        first = lifeline.watcher
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        for _ in range(5000):
            with lifeline.holding("MARK=of nothing"):
                pass
        second = await another_watcher(lifeline, than=first)
        assert not is_alive(first)
        assert is_alive(second)
        with trio.move_on_after(0.5):
            await child.wait()
        assert child.exit_code is None


async def test_the_watcher_heeds_no_signal_that_is_meant_for_us_all():
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
    async with open_lifeline(note_nothing) as lifeline:
        watcher = psutil.Process(lifeline.watcher)
        wanted = sum(1 << (number - 1) for number in numbers)
        with trio.fail_after(PATIENCE):
            while ignored(watcher.pid) & wanted != wanted:  # noqa: ASYNC110 - nobody tells us
                await trio.sleep(0.01)
        for number in numbers:
            watcher.send_signal(number)
        assert os.getsid(watcher.pid) == watcher.pid
        assert watcher.is_running() and is_alive(watcher.pid)
        assert lifeline.watcher == watcher.pid
    assert not is_alive(watcher.pid)


def ignored(pid: int) -> int:
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^SigIgn:\s*(\w+)$", text, re.MULTILINE)
    assert found is not None
    return int(found[1], 16)


async def test_the_watcher_is_small_and_a_spawn_costs_next_to_nothing():
    async with open_lifeline(note_nothing) as lifeline:
        watcher = psutil.Process(lifeline.watcher)
        plain = [await timed_spawn(None) for _ in range(20)]
        held = [await timed_spawn(lifeline) for _ in range(20)]
        with trio.fail_after(PATIENCE):
            while not ignored(watcher.pid):  # noqa: ASYNC110 - it is up once it ignores signals
                await trio.sleep(0.01)
        size, used = watcher.memory_info().rss, sum(watcher.cpu_times()[:2])
        print(f"watcher: {size / 1e6:.1f} MB, {used:.2f} s of processor time")
        print(f"spawn: {min(plain) * 1000:.1f} ms; held by the lifeline: {min(held) * 1000:.1f} ms")
        assert size < COST
        assert min(held) < min(plain) + 0.05


async def timed_spawn(lifeline: Lifeline | None) -> float:
    began = trio.current_time()
    launch = brood_launch("run")
    with lifeline.holding(f"LLAMA_API_KEY={launch.api_key}") if lifeline else nullcontext():
        async with system_spawner()(launch) as child:
            took = trio.current_time() - began
            await child.stdout.aclose()
            await child.stderr.aclose()
    return took


async def test_a_machine_without_an_interpreter_is_told_of_and_serves_all_the_same(
    monkeypatch, caplog
):
    monkeypatch.setattr("llama_runner.runner.lifeline.COMMAND", ("/no/such/python", *COMMAND[1:]))
    async with open_lifeline(note_nothing) as lifeline, sleeper(lifeline, "run") as child:
        assert is_alive(child.pid)
    assert "cannot be started" in caplog.text


async def test_children_are_asked_before_they_are_killed_when_we_are_cancelled(tmp_path):
    with trio.fail_after(PATIENCE), trio.CancelScope() as scope:
        async with open_lifetime(system_spawner(), tmp_path) as spawn:
            async with spawn(small_launch("--stop-takes", "0.5")) as child:
                await until_ready(child)
                child.served()
                scope.cancel()
                await trio.sleep_forever()
    assert child.exit_code == 0
    await child.stdout.aclose()
    await child.stderr.aclose()


async def until_ready(child: Child) -> None:
    reader = MessageReader()
    while chunk := await child.stdout.receive_some(65536):
        if any(isinstance(said, ChildReady) for said in reader.feed(bytes(chunk)).messages):
            return


async def test_what_runs_is_noted_and_the_note_is_taken_along(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    spawner: Spawner = system_spawner()
    async with open_lifetime(spawner, tmp_path) as spawn:
        async with spawn(brood_launch("run")) as child:
            note = partial(noted, tmp_path)
            with trio.fail_after(PATIENCE):
                while str(child.pid) not in note():  # noqa: ASYNC110 - it is written by and by
                    await trio.sleep(0.01)
            assert "the watcher of our children" in note()
            await child.stdout.aclose()
            await child.stderr.aclose()
    assert note() == ""
    assert not caplog.records


def noted(state: Path) -> str:
    return "".join(path.read_text() for path in (state / "children").glob("*.json"))
