"""Engines that die, stop or hang at random moments: who is affected is told, others go on."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
import trio
from attrs import define, field, frozen

from tests.conftest import RecordFigures
from tests.support.crowd import Told, connected
from tests.support.http_client import RawClient, Reply
from tests.support.served_program import PATIENCE, ServedProgram, Setup, served

if sys.platform == "win32":
    pytest.skip("there is no SIGSTOP", allow_module_level=True)
assert sys.platform != "win32"  # for mypy --platform

from tests.support.harm import KILL, harmed, harms  # noqa: E402 - not on Windows

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SAMPLE, FULL = 4, 300
LIMIT = 3.0
PHASES = ("idle", "loading", "prefill", "streaming")
APP = {
    "scheduling": {
        **{"stall_limit": LIMIT, "load_timeout": 30},
        **{"start_tries": 1000, "retry_pause": 0.05, "retry_rest": 0.05},
    },
    "relay": {"heartbeat_after": 0.01, "heartbeat_every": 0.01},
}
PARAMETERS = {"ctx-size": 4096, "parallel": 2, "threads": 1, "batch-size": 64}
SIGNS = {"loading": b": ", "prefill": b": prompt", "streaming": b"data: {"}
"""What a client reads when its request has come so far."""


def body(model: str, tokens: int, words: int = 1, **fields: Any) -> dict[str, Any]:
    content = {"messages": [{"role": "user", "content": "word " * words}]}
    return {"model": model, **content, "max_tokens": tokens, "ignore_eos": True, **fields}


@define(eq=False)
class Seen:
    """What came of all moments."""

    harms: Counter[str] = field(factory=Counter)
    ends: Counter[str] = field(factory=Counter)
    latest: dict[str, float] = field(factory=dict)
    others_whole: int = 0

    def affected(self, harm: str, told: Told, harmed_at: float) -> None:
        """Note how one of those ended that were served by the child."""
        end = end_of(told.reply)
        self.ends[end] += 1
        if end != "whole":  # which took as long as its tokens did
            since = told.closed_at - harmed_at
            self.latest[harm] = max(self.latest.get(harm, 0.0), since)


def end_of(reply: Reply) -> str:
    """Return "whole", or the code of the error that a client read; nothing else is an end."""
    told = Told(reply, 0.0)
    if reply.headers["content-type"].startswith("text/event-stream"):
        last = told.events[-1]
        if "error" not in last:
            assert last["choices"][0]["finish_reason"] == "length", last
            return "whole"
    elif reply.status == 200:
        assert reply.json["choices"][0]["message"]["content"], reply
        return "whole"
    return told.code


@frozen
class Moment:
    """What is done to which model's child, in which phase, and how long after its beginning."""

    harm: str
    phase: str
    model: str
    delay: float

    @property
    def other(self) -> str:
        """The model whose child is left alone."""
        return "b" if self.model == "a" else "a"


def moments(random: Random, count: int, kinds: tuple[str, ...]) -> Iterator[Moment]:
    """Return ``count`` moments; each phase has its turn with each kind of harm."""
    for number in range(count):
        turn, place = divmod(number, len(PHASES))
        phase = PHASES[place]
        # A load that hangs is ended by ``load_timeout``, which is no matter of progress.
        harm = KILL if phase == "loading" else kinds[(number + turn) % len(kinds)]
        yield Moment(harm, phase, random.choice("ab"), random.uniform(0, 0.2))


@define(eq=False)
class Trial:
    """One program, and one moment after the other."""

    program: ServedProgram
    seen: Seen

    async def run(self, moment: Moment) -> None:
        """Bring a child into its phase and harm it; see what its clients and others are told."""
        if moment.phase == "loading":
            await self._end_it(moment.model)
        else:
            await self._served_in_the_end(moment.model)
        await self._served_in_the_end(moment.other)
        told: list[Told] = []
        others: list[Told] = []
        async with trio.open_nursery() as nursery:
            bystander = trio.Event()
            asked = body(moment.other, 60, stream=True)
            nursery.start_soon(self._ask, asked, b"data: {", bystander, others)
            await bystander.wait()
            harmed_at = await self._harm(moment, told)
        for one in told:
            self.seen.affected(moment.harm, one, harmed_at)
        self.seen.harms[f"{moment.harm}, {moment.phase}"] += 1
        assert [end_of(one.reply) for one in others] == ["whole"]
        self.seen.others_whole += len(others)
        await self._served_in_the_end(moment.model)

    async def _harm(self, moment: Moment, told: list[Told]) -> float:
        words = 1500 if moment.phase == "prefill" else 1
        asked = body(moment.model, 600, words)
        sign = SIGNS.get(moment.phase, b"")
        begun = trio.Event()
        async with trio.open_nursery() as nursery:
            if moment.phase != "idle":
                nursery.start_soon(self._ask, {**asked, "stream": True}, sign, begun, told)
                nursery.start_soon(self._ask, {**asked, "stream": False}, b"", begun, told)
                await begun.wait()
            child = await self._child_of(moment.model)
            await trio.sleep(moment.delay)
            harmed_at = time.monotonic()
            async with harmed(child, moment.harm), trio.open_nursery() as asking:
                if moment.phase == "idle":
                    for streams in (True, False):
                        late = {**asked, "stream": streams}
                        asking.start_soon(self._ask, late, b"", trio.Event(), told)
        return harmed_at

    async def _ask(
        self, asked: dict[str, Any], sign: bytes, begun: trio.Event, told: list[Told]
    ) -> None:
        client = await connected(self.program)
        reply = await _read(client, asked, sign, begun)
        told.append(Told(reply, time.monotonic()))
        client.close()

    async def _served_in_the_end(self, model: str) -> None:
        """See to it that a model serves, whatever has just happened to it."""
        for _ in range(3):
            told: list[Told] = []
            await self._ask(body(model, 2, stream=True), b"", trio.Event(), told)
            if end_of(told[0].reply) == "whole":
                return
        raise AssertionError(f"{model} does not serve any more: {told}")

    async def _child_of(self, model: str) -> psutil.Process:
        while True:
            for process in self.program.engines():
                try:
                    words = process.cmdline()
                except psutil.Error:
                    continue
                if "--alias" in words and words[words.index("--alias") + 1] == model:
                    return process
            await trio.sleep(0.005)

    async def _end_it(self, model: str) -> None:
        """End the child of a model, if it has one."""
        await self._served_in_the_end(model)
        child = await self._child_of(model)
        child.kill()
        await trio.to_thread.run_sync(psutil.wait_procs, [child], PATIENCE)


async def _read(client: RawClient, asked: dict[str, Any], sign: bytes, begun: trio.Event) -> Reply:
    """Return the whole answer; tell when the sign of a phase has come."""
    await client.request(body=asked)
    head, read = await client.head(), b""
    async for piece in client.pieces():
        read += piece
        if sign and sign in read:
            begun.set()
    begun.set()
    return Reply(head.status_code, {k.decode(): v.decode() for k, v in head.headers}, read)


async def _try(program: ServedProgram, chosen: list[Moment], seen: Seen) -> None:
    trial = Trial(program, seen)
    for moment in chosen:
        with trio.fail_after(PATIENCE):
            await trial.run(moment)


def test_who_is_affected_is_told_and_everyone_else_goes_on(
    engine_name: str,
    chat_model: Path,
    tmp_path: Path,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    embedded = engine_name == "embedded"
    entry = {"path": str(chat_model), "parameters": PARAMETERS}
    setup = Setup(tmp_path, engine_name, APP, {"models": {"a": entry, "b": entry}})
    kinds = harms(embedded=embedded)
    chosen = list(moments(Random(20261126), FULL if soak else SAMPLE, kinds))
    seen = Seen()
    with served(setup) as program:
        trio.run(_try, program, chosen, seen)
        engines = len(program.engines())
        program.stop()
    figures = {
        "moments": dict(sorted(seen.harms.items())),
        "how those affected ended": dict(sorted(seen.ends.items())),
        "told at the latest, s": {harm: round(told, 2) for harm, told in seen.latest.items()},
        "stall limit, s": LIMIT,
        "other streams, all whole": seen.others_whole,
        "engines at the end": engines,
    }
    print(figures)
    record_figures(f"faults-{'embedded' if embedded else 'llama-server'}", figures)
    assert sum(seen.harms.values()) == len(chosen)
    assert set(seen.ends) <= {"whole", "model_stopped", "model_load_failed"}
    assert seen.ends["model_stopped"]
    assert engines <= 2
