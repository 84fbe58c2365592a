"""Plays the thrash trace on the program and on llama-server's own router."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import define, field, frozen

from llama_runner.runner.engine import EngineKind
from tests.bench.arithmetic import percentile
from tests.bench.engine.bare import RealEngine
from tests.bench.process import HOST
from tests.bench.program.whole import Whole, whole_program
from tests.bench.section import Facts, Section, findings_of
from tests.bench.swaps.router import fill, router
from tests.bench.swaps.rows import COLUMNS, FEWEST, ROUTER, ROWS
from tests.bench.variants import OURS
from tests.support.http_client import RawClient
from tests.support.streams import Streams
from tests.support.thrash import MODELS, Ask
from tests.support.trace_player import CLIENTS, ROUNDS, Pace, key_of, measure_pace, play_trace

CONTEXT = 512
AT_ONCE = {"patience": 0, "min_residency": 0}


@frozen(kw_only=True)
class SwapsEffort:
    """How many requests are made, of which traces, and how often a load is measured before."""

    requests: int
    seeds: Sequence[int]
    rounds: int = ROUNDS


@define(eq=False)
class Swaps:
    """Everything seen so far of each trace."""

    _real: RealEngine
    _effort: SwapsEffort
    _say: Callable[[str], None]
    _facts: Facts = field(factory=Facts, init=False)

    def measure(self) -> Section:
        """Play every trace on both; return the table."""
        self._say("swaps: what a load takes")
        with self._program(AT_ONCE) as whole:
            pace = trio.run(measure_pace, partial(_connected, _port(whole)), self._effort.rounds)
        for seed in self._effort.seeds:
            self._say(f"swaps: trace {seed}")
            self._play(pace, pace.trace(seed, self._effort.requests))
        embedded = self._real.engine.kind is EngineKind.EMBEDDED
        routed = "; the embedded engine has no router to compare with" if embedded else ""
        return Section(
            title="Three models of which one fits",
            columns=COLUMNS,
            subject=OURS,
            against=(ROUTER, FEWEST),
            findings=findings_of(ROWS, self._facts),
            notes=(
                f"{self._real.told}, {self._real.model.name} under three names, "
                f"{self._effort.requests} requests of two clients; a load with the stop before "
                f"takes {pace.swap:.2f} s, an answer {pace.answer:.2f} s{routed}",
            ),
        )

    def _play(self, pace: Pace, asked: Sequence[Ask]) -> None:
        with self._program(pace.scheduling) as whole:
            self._note(OURS, trio.run(play_trace, partial(_connected, _port(whole)), asked), asked)
        if self._real.engine.kind is EngineKind.LLAMA_SERVER:
            self._note(ROUTER, self._play_routed(asked), asked)
        self._facts.note("", "loads", FEWEST, pace.fewest_loads(asked))

    def _play_routed(self, asked: Sequence[Ask]) -> Streams:
        with tempfile.TemporaryDirectory() as folder:
            models = Path(folder) / "models"
            fill(models, self._real.model, MODELS)
            flags = ("--ctx-size", str(CONTEXT), "--parallel", "1")
            with router(self._real.engine.command, models, flags) as port:
                return trio.run(play_trace, partial(_connected, port), asked)

    def _note(self, column: str, seen: Streams, asked: Sequence[Ask]) -> None:
        facts = {
            "loads": 1 + seen.changes,
            "answered": 100 * seen.whole / len(asked),
            "wait p50": percentile(seen.waits, 0.5),
            "wait p95": percentile(seen.waits, 0.95),
            "wait max": max(seen.waits),
        }
        for fact, value in facts.items():
            self._facts.note("", fact, column, value)

    def _program(self, scheduling: dict[str, Any]) -> AbstractContextManager[Whole]:
        parameters = {"ctx-size": CONTEXT, "parallel": 1}
        entry = {"path": str(self._real.model), "parameters": parameters}
        # Shared, lest each change of client costs a prefill, which takes as long as a load here.
        fixed = {"max_loaded": 1, "queue_timeout": 3600, "share_prompts": True}
        keys = [{"name": name, "key": key_of(name)} for name in CLIENTS]
        app = {
            "scheduling": {**fixed, **scheduling},
            "security": {"api_keys": keys},
            # All of a client's may wait at once where the machine is slower than it just was.
            "limits": {"max_requests_per_client": self._effort.requests},
        }
        return whole_program(self._real.name, dict.fromkeys(MODELS, entry), app)


def _port(whole: Whole) -> int:
    return whole.served.port


async def _connected(port: int) -> RawClient:
    sock = trio.socket.socket()
    await sock.connect((HOST, port))
    plain = socket.socket(fileno=sock.detach())
    plain.setblocking(False)
    return RawClient(plain)
