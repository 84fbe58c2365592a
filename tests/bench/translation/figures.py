"""Measures one program on both of its ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from attrs import define, evolve, field, frozen

from tests.bench.chance import shuffled
from tests.bench.process import Served, calm_down
from tests.bench.program.whole import SLOTS, Whole, scripted_program
from tests.bench.section import Facts, Section, findings_of
from tests.bench.tools.building import Tools
from tests.bench.tools.loading import ENDLESS, FACTS, Shape, under_load
from tests.bench.translation.rows import OLLAMA, RELAYED, ROWS, SHAPES


@frozen(kw_only=True)
class TranslationEffort:
    """How long it is measured; times in seconds."""

    repetitions: int
    warm: float
    measured: float
    shapes: Mapping[str, Shape] = field(factory=lambda: SHAPES)


@define(eq=False)
class Translation:
    """Everything seen so far on each port."""

    _tools: Tools
    _effort: TranslationEffort
    _say: Callable[[str], None]
    _facts: Facts = field(factory=Facts, init=False)

    def measure(self) -> Section:
        """Measure everything; return the table."""
        for number in range(self._effort.repetitions):
            self._say(f"translation, round {number + 1} of {self._effort.repetitions}")
            for shape in shuffled(self._effort.shapes):
                self._measure(shape)
        return Section(
            title="Ollama's lines on a scripted upstream",
            columns=(RELAYED, OLLAMA),
            subject=OLLAMA,
            against=(RELAYED,),
            findings=findings_of(ROWS, self._facts),
        )

    def _measure(self, name: str) -> None:
        effort, shape = self._effort, self._effort.shapes[name]
        # What Ollama's route does not know is not passed on: the model itself must ask for it.
        asked = {"bench_tokens": ENDLESS, "bench_rate": shape.rate}
        with scripted_program(self._tools, {"parallel": SLOTS}, defaults=asked) as whole:
            ports = {RELAYED: whole.warmed(), OLLAMA: _ollama(whole)}
            for column in shuffled(ports):
                target = ports[column]
                load = under_load(self._tools.load, target, shape, effort.warm, effort.measured)
                with load as seen:
                    pass
                for fact in FACTS:
                    self._facts.note(name, fact, column, seen.fact(fact))
                assert target.process is not None
                calm_down(target.process)


def _ollama(whole: Whole) -> Served:
    address = urlsplit(whole.program.ollama)
    assert address.port is not None
    return evolve(whole.served, port=address.port, path="/api/chat")
