"""The whole measurement, so short that its figures mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from llama_runner.cli import parse
from llama_runner.runner.engine import Engine, EngineKind
from tests.bench.__main__ import main
from tests.bench.bound import Bound
from tests.bench.effort import QUICK, Effort
from tests.bench.engine import rows as engine_rows
from tests.bench.engine.bare import RealEngine
from tests.bench.engine.figures import EngineEffort, RealEngines
from tests.bench.hostile.figures import HostileEffort
from tests.bench.hostile.offences import OFFENCES
from tests.bench.hostile.rows import BESIDE
from tests.bench.measuring import measure, peer_at
from tests.bench.program import rows as program_rows
from tests.bench.program.figures import ProgramEffort
from tests.bench.relay import rows as relay_rows
from tests.bench.relay.rounds import RelayEffort
from tests.bench.relay.rows import SHAPES
from tests.bench.report import Measured, as_fields, as_text
from tests.bench.section import DIRECT
from tests.bench.tools.building import find_tools, python_tools
from tests.bench.translation import rows as translation_rows
from tests.bench.translation.figures import TranslationEffort
from tests.bench.translation.rows import SHAPES as LINES
from tests.bench.variants import OURS, RELAYS
from tests.support.gguf_writer import write_gguf

pytestmark = pytest.mark.slow

SOME = {name: SHAPES[name] for name in ("requests 1", "paced 1", "flat out 8", "joined 8")}
SMALL = {name: evolve(shape, streams=min(shape.streams, 2)) for name, shape in SOME.items()}
PACED = {"paced 1": LINES["paced 1"]}
ONE_OFFENCE = tuple(offence for offence in OFFENCES if offence.name == "500 connects a second")
SMOKE = Effort(
    relay=RelayEffort(repetitions=1, warm=0.01, measured=0.03, shapes=SMALL),
    program=ProgramEffort(
        streams=4, connections=4, cancels=1, loads=2, stops=1, grace=0.0, beside=()
    ),
    engine=None,
    translation=TranslationEffort(repetitions=1, warm=0.01, measured=0.1, shapes=PACED),
    swaps=None,
    hostile=HostileEffort(repetitions=1, warm=0.1, measured=0.2, offences=ONE_OFFENCE),
)


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(SMOKE, find_tools(), parse(["bench"], {}), lambda line: None)


def test_every_row_is_measured_and_every_answer_is_right(measured: Measured) -> None:
    fields = json.loads(json.dumps(as_fields(measured)))
    assert fields["errors"] == {}
    relay, lines, program, hostile = fields["sections"].values()
    assert [row["name"] for row in relay["rows"]] == [row.name for row in relay_rows.ROWS]
    seen = [row for row in relay["rows"] if row["values"]]
    assert len(seen) == sum(row.of in SMALL for row in relay_rows.ROWS)
    assert all(set(row["values"]) == {DIRECT, *RELAYS} for row in seen)
    assert [row["name"] for row in lines["rows"]] == [row.name for row in translation_rows.ROWS]
    assert all(value[0] > 0 for value in lines["rows"][0]["values"].values())
    assert [row["name"] for row in program["rows"]] == [row.name for row in program_rows.ROWS]
    assert all(row["values"][OURS][0] > 0 for row in program["rows"] if row["unit"] == "ms")
    told = [row["values"][BESIDE] for row in hostile["rows"] if "connects" in row["name"]]
    assert len(told) == 4 and all(values[0] is not None for values in told)


def test_the_table_has_a_line_for_every_row_and_says_which_bounds_were_met(
    measured: Measured,
) -> None:
    text = as_text(measured)
    for section in measured.sections:
        for finding in section.findings:
            assert f"\n| {finding.row.name}" in text
    assert "ours / naive" in text and "beside / alone" in text
    assert "≤ 80: met" in text


def test_a_real_engine_is_measured_beside_itself_without_us(tmp_path: Path) -> None:
    program = python_tools().engine_in(tmp_path)
    engine = Engine((str(program),), EngineKind.LLAMA_SERVER, "a scripted one", "")
    real = RealEngine(engine, write_gguf(tmp_path / "a" / "a.gguf"))
    effort = EngineEffort(repetitions=1, answers=1, colds=1, cancels=1, patience=60.0)
    section = RealEngines(real, effort, lambda line: None).measure()
    assert [finding.row for finding in section.findings] == list(engine_rows.ROWS)
    for finding in section.findings:
        assert [finding.middle(column) is not None for column in (DIRECT, OURS)] == [True, True]
    (cold,) = (finding for finding in section.findings if finding.row.fact == "cold")
    (verdict,) = cold.verdicts(OURS)
    assert verdict.bound == Bound(1.05, DIRECT) and verdict.value


def test_only_a_full_run_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--record"]) == 2
    assert "full run" in capsys.readouterr().err


def test_a_quick_run_says_what_it_leaves_out() -> None:
    assert QUICK.hostile is None and QUICK.engine is not None


def test_a_peer_is_asked_where_it_serves() -> None:
    peer = peer_at("http://127.0.0.1:9/base/v1/")
    assert (peer.host, peer.port, peer.path) == ("127.0.0.1", 9, "/base/v1/chat/completions")
    assert peer.process is None
