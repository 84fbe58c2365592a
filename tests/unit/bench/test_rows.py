"""The rows are what issue 4 asks for: each of its bounds stands beside a figure."""

from __future__ import annotations

import pytest

from tests.bench.bound import Bound
from tests.bench.engine.rows import ROWS as ENGINE
from tests.bench.hostile.offences import OFFENCES, Offence
from tests.bench.hostile.rows import ALONE
from tests.bench.hostile.rows import ROWS as HOSTILE
from tests.bench.program.rows import ROWS as PROGRAM
from tests.bench.relay.rows import ROWS as RELAY
from tests.bench.relay.rows import SHAPES, ahead_of
from tests.bench.section import DIRECT, Row
from tests.bench.tools.loading import FACTS, Seen, Shape
from tests.bench.translation.rows import RELAYED
from tests.bench.translation.rows import ROWS as TRANSLATION
from tests.bench.variants import RELAYS

ALL = (*RELAY, *PROGRAM, *ENGINE, *HOSTILE)
LINES = {row.name: row.bounds for row in TRANSLATION}
NAIVE_AT_MOST = {
    "added first byte p50": 0.2,
    "CPU per request, 8": 0.2,
    "CPU per chunk, 1": 0.5,
    "CPU per chunk, 64": 0.32,
}
NAIVE_AT_LEAST = {"chunks/s, 8": 27, "chunks/s, 64": 19, "requests/s, 64": 14}
VALUES = {
    "added per chunk p99, 256 streams": 10_000,
    "RSS idle, all its processes": 80,
    "RSS per open stream": 40,
    "RSS per idle connection": 15,
    "ready to first upstream byte p99, readiness told": 20,
}


def named(name: str) -> Row:
    (row,) = (row for row in ALL if row.name == name)
    return row


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        *((name, Bound(limit, "naive")) for name, limit in NAIVE_AT_MOST.items()),
        *((name, Bound(limit, "naive", at_least=True)) for name, limit in NAIVE_AT_LEAST.items()),
        *((name, Bound(limit)) for name, limit in VALUES.items()),
        ("CPU per request, 64", Bound(3.0, "floor")),
        ("cold start to the end of one token", Bound(1.05, DIRECT)),
    ],
)
def test_each_bound_stands_beside_its_row(name: str, bound: Bound) -> None:
    assert bound in named(name).bounds


def test_a_translated_chunk_costs_half_more_than_one_passed_on_at_most() -> None:
    for streams in (1, 8, 64):
        assert LINES[f"CPU per chunk, {streams}"] == (Bound(1.5, RELAYED),)


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda offence: offence.name)
def test_an_offence_may_move_the_streams_by_less_than_a_fifth(offence: Offence) -> None:
    bounds = {row.fact: row.bounds for row in HOSTILE if row.of == offence.name}
    assert set(bounds) == {"gap", "p99", "growth", "answered"}
    assert bounds["gap"] == bounds["p99"] == (Bound(1.2, ALONE),)


@pytest.mark.parametrize("rows", [RELAY, PROGRAM, ENGINE, HOSTILE])
def test_no_row_is_told_twice(rows: tuple[Row, ...]) -> None:
    assert len({row.name for row in rows}) == len(rows)
    assert len({(row.of, row.fact, row.added) for row in rows}) == len(rows)


def test_shapes_are_what_the_rows_of_the_relay_speak_of() -> None:
    assert {row.of for row in RELAY} == set(SHAPES)
    assert all(isinstance(shape, Shape) for shape in SHAPES.values())
    assert {row.fact for row in RELAY} <= set(FACTS)


def test_a_bound_is_against_a_column_that_there_is() -> None:
    against = {bound.against for row in RELAY for bound in row.bounds if bound.against}
    assert against <= set(RELAYS)


@pytest.mark.parametrize("fact", FACTS)
def test_every_fact_of_a_measurement_can_be_told(fact: str) -> None:
    times = {"p50": 1.0, "p99": 2.0}
    seen = Seen(2.0, 10, 100, 0, times, times, times, processor=0.5)
    assert (
        seen.fact(fact)
        == {
            **{"first_p50": 1.0, "first_p99": 2.0, "delay_p50": 1.0, "delay_p99": 2.0},
            **{
                "gap_p99": 2.0,
                "requests": 5.0,
                "chunks": 50.0,
                "request_cost": 5e4,
                "chunk_cost": 5e3,
            },
        }[fact]
    )


@pytest.mark.parametrize(
    ("name", "bound"),
    [
        ("requests/s, 8", Bound(1.0, "swap", at_least=True)),
        ("CPU per chunk, 8", Bound(1.0, "swap")),
        ("added first byte p50", Bound(1.0, "swap")),
    ],
)
def test_beside_a_peer_we_are_to_be_ahead_in_every_row(name: str, bound: Bound) -> None:
    assert ahead_of(named(name), "swap").bounds[-1] == bound
