"""Measures the program and the engine without it in turns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from statistics import median
from typing import Any

from attrs import define, field, frozen

from tests.bench.arithmetic import percentile
from tests.bench.asking import ask, leave_after, told_by
from tests.bench.chance import shuffled
from tests.bench.engine.bare import MODEL, RealEngine, bare_engine
from tests.bench.engine.rows import ROWS, TOKENS
from tests.bench.process import Served
from tests.bench.program.whole import whole_program
from tests.bench.section import DIRECT, Facts, Section, findings_of
from tests.bench.variants import OURS
from tests.support.cancelling import random_words

MESSAGES = [{"role": "user", "content": "Tell me about llamas."}]
JOINED = {"messages": MESSAGES, "max_tokens": TOKENS, "ignore_eos": True, "temperature": 0}
STREAMED = {**JOINED, "stream": True}
FIRST = {"messages": MESSAGES, "max_tokens": 1, "stream": True}
LONG = {**STREAMED, "max_tokens": 3000}
PROMPT_WORDS = 400
IDLE_WITHIN, POLL = 30.0, 0.003


@frozen(kw_only=True)
class EngineEffort:
    """How often each is asked for; an answer is one of ours beside one without us."""

    repetitions: int
    answers: int
    colds: int
    cancels: int
    patience: float
    """Seconds after which it is asked no more of the same; a busy machine takes long."""

    def times(self, count: int) -> Iterator[int]:
        """Count, while patience lasts."""
        end = time.monotonic() + self.patience
        return takewhile(lambda number: number == 0 or time.monotonic() < end, range(count))


@define(eq=False)
class RealEngines:
    """Everything seen so far with one engine."""

    real: RealEngine
    effort: EngineEffort
    say: Callable[[str], None]
    facts: Facts = field(factory=Facts, init=False)

    def measure(self) -> Section:
        """Measure everything; return the table."""
        with self._program() as whole:
            ours = whole.warmed()
            assert ours.upstream is not None
            variants = {DIRECT: ours.upstream, OURS: ours}
            for target in variants.values():
                ask(target, STREAMED)  # after which the engine knows the prompt
            for number in range(self.effort.repetitions):
                self.say(f"real engine, round {number + 1} of {self.effort.repetitions}")
                self._answers(variants)
            self._cancels(variants, ours.upstream)
        colds = {DIRECT: self._cold_bare, OURS: self._cold_ours}
        self._cold_bare()  # so that the file's being cached is nobody's advantage
        for number in self.effort.times(self.effort.colds):
            self.say(f"cold start {number + 1} of {self.effort.colds}")
            for column in shuffled(colds):
                self.facts.note("", "cold", column, 1e3 * colds[column]())
        return Section(
            title="The whole program on a real engine",
            columns=(DIRECT, OURS),
            subject=OURS,
            against=(DIRECT,),
            findings=findings_of(ROWS, self.facts),
            notes=(f"{self.real.told}, {self.real.model.name}",),
        )

    def _program(self) -> Any:
        return whole_program(self.real.name, {MODEL: {"path": str(self.real.model)}})

    def _answers(self, variants: Mapping[str, Served]) -> None:
        """Ask for streams and joined answers, ours and direct in turns; note the medians."""
        seen: dict[tuple[str, str], list[float]] = {}
        for _ in self.effort.times(self.effort.answers):
            for column in shuffled(variants):
                target = variants[column]
                streamed, joined = ask(target, STREAMED), ask(target, JOINED)
                seen.setdefault(("first", column), []).append(streamed.first)
                seen.setdefault(("token", column), []).append(streamed.per_event)
                seen.setdefault(("joined", column), []).append(joined.last)
        for (fact, column), values in seen.items():
            self.facts.note("", fact, column, 1e3 * median(values))

    def _cancels(self, variants: Mapping[str, Served], engine: Served) -> None:
        phases = {"decode": _leave_decode, "prefill": _leave_prefill}
        for phase, leave in phases.items() if self.effort.cancels else ():
            self.say(f"cancels in {phase}")
            seen: dict[str, list[float]] = {column: [] for column in variants}
            for _ in self.effort.times(self.effort.cancels):
                for column in shuffled(variants):
                    seen[column].append(1e3 * _idle_after(leave(variants[column]), engine))
            for column, values in seen.items():
                self.facts.note("", f"{phase} p50", column, percentile(values, 0.5))
                self.facts.note("", f"{phase} max", column, max(values))

    def _cold_ours(self) -> float:
        """Return the seconds of a request that finds nothing loaded."""
        with self._program() as whole:
            return ask(whole.served, FIRST).last

    def _cold_bare(self) -> float:
        """Return the seconds from the engine's start to the end of its first answer."""
        launch = self.real.launch()
        began = time.perf_counter()
        with bare_engine(launch) as engine:
            ask(engine, FIRST)
            return time.perf_counter() - began


def _leave_decode(target: Served) -> int:
    return leave_after(target, LONG, events=5)


def _leave_prefill(target: Served) -> int:
    prompt = random_words(PROMPT_WORDS, random.randrange(1 << 30))
    fields = {**LONG, "messages": [{"role": "user", "content": prompt}]}
    return leave_after(target, fields, events=0, pause=random.uniform(0.05, 0.2))


def _idle_after(left: int, engine: Served) -> float:
    """Return how many seconds after ``left`` all slots were seen idle."""
    end = time.monotonic() + IDLE_WITHIN
    while any(slot["is_processing"] for slot in told_by(engine, "/slots")):
        if time.monotonic() > end:
            break
        time.sleep(POLL)
    return (time.monotonic_ns() - left) / 1e9
