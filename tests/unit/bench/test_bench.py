"""The whole measurement, so short that its figures mean nothing."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from llama_runner.cli import parse
from tests.bench.__main__ import QUICK, RELAYS, main, measure, peer_at
from tests.bench.footprint import Amounts
from tests.bench.loading import Shape, under_load
from tests.bench.ours import MODEL
from tests.bench.process import served
from tests.bench.report import Measured, as_fields, as_text
from tests.bench.rows import ROWS, SHAPES
from tests.bench.tools import Tools, find_tools, python_tools

SMALL = {name: evolve(shape, streams=min(shape.streams, 2)) for name, shape in SHAPES.items()}
SMOKE = evolve(
    QUICK,
    repetitions=1,
    warm=0.01,
    measured=0.03,
    shapes=SMALL,
    amounts=Amounts(streams=4, connections=4, cancels=1, opening=0.2),
)


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(SMOKE, find_tools(), parse(["bench"], {}))


@pytest.mark.slow
def test_every_row_is_measured_and_every_answer_is_right(measured: Measured) -> None:
    fields = json.loads(json.dumps(as_fields(measured)))
    assert fields["errors"] == {}
    assert [row["name"] for row in fields["rows"]] == [row.name for row in ROWS]
    for row in fields["rows"]:
        assert set(row["values"]) == {"direct", *RELAYS}
    (footprint,) = fields["footprints"].values()
    assert footprint["RSS idle, MB"] > 1 and footprint["stop, ms"] > 0


@pytest.mark.slow
def test_the_table_has_a_line_for_every_row(measured: Measured) -> None:
    text = as_text(measured)
    for row in ROWS:
        assert f"\n| {row.name}" in text
    assert "ours / naive" in text and "RSS per open stream" in text


@pytest.mark.slow
@pytest.mark.parametrize("tools", [find_tools(), python_tools()], ids=["found", "python"])
def test_the_tools_count_alike(tools: Tools) -> None:
    shapes = [
        Shape(streams=2, tokens=3),
        Shape(streams=2),
        Shape(streams=2, tokens=3, streamed=False),
    ]
    with served((*tools.upstream, "0"), MODEL) as upstream:
        seen = []
        for shape in shapes:
            with under_load(tools.load, upstream, shape, 0.01, 0.05) as one:
                seen.append(one)
    short, endless, joined = seen
    assert not any(one.errors for one in seen)
    assert short.requests > 0 and 2 < short.chunks / short.requests < 4 and short.first_byte
    assert endless.requests == 0 and endless.chunks > 100 and endless.delay
    assert joined.requests > 0 and joined.chunks == 0 and joined.processor


def test_only_a_full_run_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--record"]) == 2
    assert "full run" in capsys.readouterr().err


def test_a_peer_is_asked_where_it_serves() -> None:
    peer = peer_at("http://127.0.0.1:9/base/v1/")
    assert (peer.host, peer.port, peer.path) == ("127.0.0.1", 9, "/base/v1/chat/completions")
    assert peer.process is None


def test_shapes_are_what_the_rows_speak_of() -> None:
    assert {row.shape for row in ROWS} == set(SHAPES)
    assert all(isinstance(shape, Shape) for shape in SHAPES.values())
