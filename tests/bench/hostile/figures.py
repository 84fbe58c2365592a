"""Measures well-behaved streams alone and beside each offence, in turns.

Beside every stream through the program one runs straight to its upstream, at
the same time. What the offence costs the machine delays both, so what is added
between the two is told, beside what a client sees: the time between two chunks.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import psutil
from attrs import define, evolve, field, frozen

from tests.bench.arithmetic import added, middle
from tests.bench.chance import shuffled
from tests.bench.hostile.offences import CUT_WITHIN, NOBODY, OFFENCES, Offence
from tests.bench.hostile.rows import ALONE, BESIDE, ROWS
from tests.bench.process import (
    Served,
    calm_down,
    processor_time,
    python_module,
    resident_bytes,
    running,
)
from tests.bench.program.whole import scripted_program
from tests.bench.relay.rows import PACE
from tests.bench.section import Facts, Section, findings_of
from tests.bench.tools.building import Tools
from tests.bench.tools.loading import Seen, Shape, under_load

WELL_BEHAVED = Shape(streams=8, rate=PACE)
PARAMETERS = {"parallel": 128}
# All else is as shipped. An idle connection outlasts the measurement.
LIMITS = {"limits": {"head_timeout": CUT_WITHIN, "write_timeout": CUT_WITHIN}}
SAMPLE_EVERY = 0.02


@frozen(kw_only=True)
class HostileEffort:
    """How long it is measured; times in seconds."""

    repetitions: int
    warm: float
    measured: float
    offences: Sequence[Offence] = OFFENCES


@frozen
class Moved:
    """Two p99 of the streams, in µs: what is added to a chunk, and what is between two of them."""

    added: float | None
    gap: float | None


@define(eq=False)
class Attacked:
    """What one offence did in all, and what that cost it."""

    begun: int = 0
    answers: Counter[str] = field(factory=Counter)
    processor: float = 0.0
    seconds: float = 0.0

    def told(self, name: str) -> str:
        """Return a line that says so."""
        answers = ", ".join(f"{count} ({answer})" for answer, count in self.answers.most_common())
        share = 100 * self.processor / self.seconds if self.seconds else 0.0
        rate = self.begun / self.seconds if self.seconds else 0.0
        return f"{name}: {rate:,.0f} begun a second, {share:.0f} % of a core; {answers}"


@define(eq=False)
class Hostile:
    """Everything seen so far beside hostile clients."""

    tools: Tools
    direct: Served
    effort: HostileEffort
    say: Callable[[str], None]
    facts: Facts = field(factory=Facts, init=False)
    attacked: dict[str, Attacked] = field(factory=dict, init=False)

    def measure(self) -> Section:
        """Measure everything; return the table."""
        with scripted_program(self.tools, PARAMETERS, app=LIMITS) as whole:
            ours = whole.warmed()
            named = {offence.name: offence for offence in (NOBODY, *self.effort.offences)}
            for number in range(self.effort.repetitions):
                self.say(f"hostile clients, round {number + 1} of {self.effort.repetitions}")
                self._round(named, ours)
        return Section(
            title="Eight streams beside hostile clients",
            columns=(ALONE, BESIDE),
            subject=BESIDE,
            against=(ALONE,),
            findings=findings_of(ROWS, self.facts),
            notes=(
                f"limits shortened to {CUT_WITHIN:g} s: {', '.join(LIMITS['limits'])}",
                *(attacked.told(name) for name, attacked in self.attacked.items()),
            ),
        )

    def _round(self, named: Mapping[str, Offence], ours: Served) -> None:
        """Measure beside each offence, and alone before every other one."""
        alone: list[Moved] = []
        for number, name in enumerate(shuffled(named)):
            if number % 2 == 0:
                alone.append(self._streams(ours)[0])
            self._beside(named[name], ours)
        for name in named:
            self.facts.note(name, "p99", ALONE, middle([seen.added for seen in alone]))
            self.facts.note(name, "gap", ALONE, middle([seen.gap for seen in alone]))

    def _beside(self, offence: Offence, ours: Served) -> None:
        assert ours.process is not None
        before = resident_bytes(ours.process)
        told = self.attacked.setdefault(offence.name, Attacked())
        with _attack(offence, ours, told) as answers:
            seen, most = self._streams(ours, offence.lasts)
        calm_down(ours.process)
        self.facts.note(offence.name, "p99", BESIDE, seen.added)
        self.facts.note(offence.name, "gap", BESIDE, seen.gap)
        self.facts.note(offence.name, "growth", BESIDE, max(0.0, most - before) / 1e6)
        self.facts.note(offence.name, "answered", BESIDE, as_documented(offence, answers))

    def _streams(self, ours: Served, lasts: float = 1.0) -> tuple[Moved, int]:
        """Return how the streams fared, and the most memory seen meanwhile."""
        assert ours.process is not None
        with ThreadPoolExecutor(2) as clients:
            shape = evolve(WELL_BEHAVED, lasts=lasts)
            through, straight = (
                clients.submit(self._load, target, shape) for target in (ours, self.direct)
            )
            most = _most_resident(ours.process, (through, straight))
            ours_seen, direct_seen = through.result(), straight.result()
        delays = ours_seen.fact("delay_p99"), direct_seen.fact("delay_p99")
        return Moved(added(*delays), ours_seen.fact("gap_p99")), most

    def _load(self, target: Served, shape: Shape) -> Seen:
        effort = self.effort
        load = under_load(self.tools.load, target, shape, effort.warm, effort.measured)
        with load as seen:
            pass
        return seen


def as_documented(offence: Offence, answers: Counter[str]) -> float | None:
    """Return the share (in percent) of answers that are as they should be."""
    # What still goes on is an answer only where that is what should be.
    final = {
        answer: count
        for answer, count in answers.items()
        if answer in offence.answers or not answer.endswith("still open")
    }
    right = sum(count for answer, count in final.items() if answer in offence.answers)
    return 100 * right / sum(final.values()) if final else None


@contextmanager
def _attack(offence: Offence, target: Served, told: Attacked) -> Iterator[Counter[str]]:
    """Commit the offence while the block lasts; the answers are there when it has been left."""
    where = (target.host, str(target.port), target.path, target.model)
    answers: Counter[str] = Counter()
    with running(python_module("hostile.attack", offence.name, *where)) as attack:
        assert attack.stdin is not None and attack.stdout is not None
        attack.stdout.readline()
        process, began = psutil.Process(attack.pid), time.monotonic()
        used = processor_time(process)
        yield answers
        told.seconds += time.monotonic() - began
        told.processor += processor_time(process) - used
        attack.stdin.write("\n")
        attack.stdin.flush()
        seen: dict[str, Any] = json.loads(attack.stdout.readline())
        told.begun += seen["begun"]
        answers.update(seen["answers"])
        told.answers.update(seen["answers"])


def _most_resident(process: psutil.Process, until: Sequence[Future[Seen]]) -> int:
    most = resident_bytes(process)
    while wait(until, SAMPLE_EVERY).not_done:
        most = max(most, resident_bytes(process))
    return most
