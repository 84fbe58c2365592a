"""Measures what takes a whole program each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen

from tests.bench.arithmetic import percentile
from tests.bench.process import Served
from tests.bench.program.leaving import cancel
from tests.bench.program.memory import (
    kilobytes_per_connection,
    kilobytes_per_stream,
    megabytes,
)
from tests.bench.program.readiness import waits
from tests.bench.program.rows import ROWS
from tests.bench.program.whole import SLOTS, Whole, scripted_program
from tests.bench.section import Facts, Section, findings_of
from tests.bench.tools.building import Tools
from tests.bench.tools.loading import Shape, under_load
from tests.bench.variants import OURS, RELAYS, relay
from tests.support.served_program import GRACE

LEFT_OPEN = Shape(streams=64, rate=50)
SILENT = {"bench-silent": True}


@frozen(kw_only=True)
class ProgramEffort:
    """How much is asked for."""

    streams: int = 1000
    connections: int = 2000
    cancels: int = 20
    loads: int = 150
    stops: int = 2
    grace: float = GRACE
    """Seconds that streams may go on at a stop; as shipped, unless there is no time."""
    beside: tuple[str, ...] = RELAYS[1:]
    """The relays whose memory is measured too."""


@define(eq=False)
class Programs:
    """Everything seen so far of each program."""

    tools: Tools
    upstream: Served
    effort: ProgramEffort
    say: Callable[[str], None]
    facts: Facts = field(factory=Facts, init=False)

    def measure(self) -> Section:
        """Measure everything once; return the table."""
        with scripted_program(self.tools, {"parallel": SLOTS}) as whole:
            whole.warmed()
            self._note(OURS, "idle", megabytes(whole.processes()))
        for name in (OURS, *self.effort.beside):
            self.say(f"memory of {name}")
            self._memory(name)
        for fact, flags in {"told": {}, "probed": SILENT}.items():
            self.say(f"readiness, {fact}")
            self._readiness(fact, flags)
        for _ in range(self.effort.stops):
            self.say("stops")
            self._stops()
        return Section(
            title="The whole program on a scripted engine",
            columns=(OURS, *self.effort.beside),
            subject=OURS,
            against=(),
            findings=findings_of(ROWS, self.facts),
            notes=(
                f"{self.effort.streams} open streams, {self.effort.connections} idle connections, "
                f"{self.effort.loads} loads, {LEFT_OPEN.streams} streams open at the stop",
            ),
        )

    def _memory(self, name: str) -> None:
        """Measure each on a fresh process: what was once taken is not given back at once."""
        effort, load = self.effort, self.tools.load
        with relay(name, self.tools, self.upstream) as target:
            self._note(name, "per stream", kilobytes_per_stream(load, target, effort.streams))
        with relay(name, self.tools, self.upstream) as target:
            each = kilobytes_per_connection(load, target, effort.connections)
            self._note(name, "per connection", each)
            cancels = [cancel(target) for _ in range(effort.cancels)]
            self._note(name, "cancel p50", percentile(cancels, 0.5))
            self._note(name, "cancel max", max(cancels))

    def _readiness(self, fact: str, flags: dict[str, Any]) -> None:
        seen = list(waits(self.tools, self.effort.loads, flags))
        self._note(OURS, f"{fact} p50", percentile(seen, 0.5))
        self._note(OURS, f"{fact} p99", percentile(seen, 0.99))

    def _stops(self) -> None:
        with scripted_program(self.tools, {"parallel": SLOTS}) as whole:
            whole.warmed()
            self._note(OURS, "stop at rest", 1e3 * whole.stop())
        shutdown = {"shutdown": {"grace": self.effort.grace}}
        with scripted_program(self.tools, {"parallel": SLOTS}, app=shutdown) as whole:
            self._note(OURS, "stop open", 1e3 * self._stop_with_streams(whole))

    def _stop_with_streams(self, whole: Whole) -> float:
        with under_load(self.tools.load, whole.warmed(), LEFT_OPEN, 0.2, 0.1):
            return whole.stop()

    def _note(self, column: str, fact: str, value: float) -> None:
        self.facts.note("", fact, column, value)
