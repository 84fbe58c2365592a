"""Whatever requests clients send: no hang, no 5xx, no traceback, nothing passed on blindly.

A failure names the connection, as "seed:number", and all that was sent on it;
``tests.support.fuzz.connection.fuzzed(seed, number)`` is the same one again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial

import psutil
import pytest
import trio
from trio.testing import MockClock

from tests.conftest import RecordFigures
from tests.support.fuzz.faults import clients_held
from tests.support.fuzz.judge import Judge
from tests.support.fuzz.rounds import crowded, one_by_one

ROUND = 200
SEED = 1
Hold = Callable[[Judge, int, range], Awaitable[None]]


def on_virtual_time() -> MockClock:
    return MockClock(autojump_threshold=0)


def in_real_time() -> None:
    return None


def _fuzz(hold: Hold, seed: int, count: int, clock: Callable[[], MockClock | None]) -> Judge:
    """Hold ``count`` connections; see to it that nothing is kept of any of them."""
    judge = Judge()
    for start in range(0, count, ROUND):
        numbers = range(start, min(start + ROUND, count))
        trio.run(hold, judge, seed, numbers, clock=clock())
        assert clients_held() == 0, numbers
    return judge


@pytest.mark.parametrize(
    ("hold", "clock", "sample"),
    [
        pytest.param(one_by_one, on_virtual_time, 2200, id="socketpair"),
        pytest.param(crowded, in_real_time, 500, id="loopback", marks=pytest.mark.slow),
    ],
)
def test_no_request_does_harm(
    request: pytest.FixtureRequest,
    hold: Hold,
    clock: Callable[[], MockClock | None],
    sample: int,
    soak: bool,
    record_figures: RecordFigures,
) -> None:
    seed, count = (secrets.randbelow(1 << 32), 100_000) if soak else (SEED, sample)
    process, began = psutil.Process(), time.monotonic()
    before = process.memory_info().rss
    judge = _fuzz(hold, seed, count, clock)
    figures = {
        "seed": seed,
        **judge.figures(),
        "seconds": round(time.monotonic() - began, 1),
        "grown_by_mb": round((process.memory_info().rss - before) / 2**20, 1),
    }
    print(figures)
    record_figures(f"fuzz-{request.node.callspec.id}", figures)
    # That much must come through, or nothing was tried.
    assert judge.connections == count
    assert judge.forwarded > count / 20
    assert {200, 400, 403, 404, 408, 431, 501} - {*judge.statuses} == set()


def test_nothing_gets_in_without_a_key(soak: bool) -> None:
    hold = partial(one_by_one, locked=True)
    judge = _fuzz(hold, SEED + 1, 10_000 if soak else 300, on_virtual_time)
    assert {400, 401, 403} - {*judge.statuses} == set()
    assert {101, 200, 404} & {*judge.statuses} == set()
