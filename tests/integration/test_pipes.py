"""Pipes and log under pressure: whatever is printed, the engine goes on and tokens flow."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import psutil
import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from llama_runner.errors import StartFailed
from llama_runner.logs.handler import installed
from llama_runner.logs.line import LogLine
from llama_runner.logs.log import open_drains
from llama_runner.runner.log_tail import CAPACITY
from llama_runner.runner.runner import Runner
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner.state import Exited, Ready
from tests.support.children import small_launch
from tests.support.program import STREAM, Program, open_program
from tests.support.scripted_engine import ScriptedEngine, TokenScript
from tests.support.small_child import GARBAGE

PATIENCE = 100
STALL = 30.0
TOKENS = 300
EVERY = STALL / TOKENS
GIBIBYTE = 2**30
ROOM = 100_000


@define(eq=False)
class StalledDisk:
    """A log file on a disk that stalls."""

    name: str = "the disk"
    lines: list[str] = field(factory=list)
    well: trio.Event = field(factory=trio.Event)

    async def write(self, lines: Sequence[LogLine]) -> int:
        await self.well.wait()
        self.lines += [line.text for line in lines]
        return len(lines)


async def chatter(program: Program) -> None:
    """Have the engine print a hundred lines for each token."""
    (child,) = program.spawn.alive
    number = 0
    while True:
        for _ in range(100):
            await child.print(f"line {number}")
            number += 1
        await trio.sleep(EVERY)


async def test_a_log_disk_that_stalls_for_30_seconds_disturbs_no_stream_and_its_loss_is_counted(
    autojump_clock: MockClock,
) -> None:
    disk = StalledDisk()
    async with open_program(engine=ScriptedEngine(TokenScript(TOKENS, every=EVERY))) as program:
        client = program.client()
        await client.request(body=STREAM)
        await client.head()
        arrivals = []
        async with open_drains([disk], room=ROOM) as handler, trio.open_nursery() as nursery:
            with installed(handler, "DEBUG"):
                nursery.start_soon(chatter, program)
                async with aclosing(client.pieces()) as pieces:
                    async for piece in pieces:
                        arrivals += [trio.current_time()] * piece.count(b"content")
                nursery.cancel_scope.cancel()
            assert disk.lines == []
            disk.well.set()
        (seat,) = program.runners._seats.values()
        assert seat.runner.tail.end >= 100 * (TOKENS - 1)
    gaps = [after - before for before, after in zip(arrivals, arrivals[1:], strict=False)]
    assert len(arrivals) >= TOKENS
    assert max(gaps) == pytest.approx(EVERY)
    assert any("log lines were lost" in line for line in disk.lines)
    print(f"{len(disk.lines)} lines kept; {disk.lines[-1]}")


@asynccontextmanager
async def ready(runner: Runner) -> AsyncIterator[None]:
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            await runner.state.wait_for(lambda state: isinstance(state, Ready))
            yield
            nursery.cancel_scope.cancel()
    assert isinstance(runner.state.value, Exited)


async def test_a_gigabyte_of_output_takes_bounded_memory() -> None:
    runner = Runner(lambda: small_launch("--flood", str(GIBIBYTE // 2**20)), system_spawner())
    before = psutil.Process().memory_info().rss
    began = trio.current_time()
    async with ready(runner):
        took = trio.current_time() - began
        grown = psutil.Process().memory_info().rss - before
        kept = runner.tail.since(0)
    print(f"1 GiB read in {took:.1f} s; memory grew by {grown / 1e6:.1f} MB")
    assert kept.end >= GIBIBYTE // 128
    assert kept.lost + len(kept.lines) == kept.end
    assert sum(map(len, kept.lines)) <= CAPACITY
    assert grown < 32e6


async def test_the_last_words_of_a_child_that_prints_much_and_ends_at_once_are_heard() -> None:
    many = 32 * 1024
    talk = f"import os, sys; sys.stderr.write(('x' * 127 + chr(10)) * {many} + 'the last words')"
    talk += "; sys.stderr.flush(); os._exit(3)"
    launch = evolve(small_launch(), command=(sys.executable, "-c", talk))
    runner = Runner(lambda: launch, system_spawner())
    with trio.fail_after(PATIENCE), pytest.raises(StartFailed, match="3; .* the last words$"):
        await runner.run()
    assert runner.tail.end == many + 1


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's own tools")
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_a_line_of_half_a_gigabyte_takes_bounded_memory(stream: str) -> None:
    launch = small_launch()
    flood = "head -c 536870912 /dev/zero" + (" >&2" if stream == "stderr" else "")
    shell = ("/bin/sh", "-c", f'{flood}; echo; exec "$@"', "sh")
    runner = Runner(lambda: evolve(launch, command=(*shell, *launch.command)), system_spawner())
    before = psutil.Process().memory_info().rss
    async with ready(runner):
        grown = psutil.Process().memory_info().rss - before
        assert sum(map(len, runner.tail.since(0).lines)) <= 2 * CAPACITY
    assert grown < 32e6


async def test_a_child_that_closes_its_streams_is_served_and_stopped_all_the_same() -> None:
    runner = Runner(lambda: small_launch("--closes"), system_spawner())
    async with ready(runner):
        child = runner.child
        assert child is not None
        await trio.sleep(0.2)
        assert child.exit_code is None
        assert await child.control.is_ready()
        assert isinstance(runner.state.value, Ready)
    assert child.exit_code == 0


async def test_bytes_that_are_no_text_hide_no_message_and_are_told_as_what_they_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "llama_runner.engine")
    runner = Runner(lambda: small_launch("--garbage", "--print", "after it"), system_spawner())
    async with ready(runner):
        lines = runner.tail.since(0).lines
    told = [line.decode(errors="replace") for line in GARBAGE.split(b"\n")[:-1]]
    assert set(told) <= set(lines)
    assert "after it" in lines
    assert runner.child is not None
    assert runner.child.exit_code == 0
