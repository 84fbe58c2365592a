"""Rounds of fuzzed connections, each round with a program of its own."""

from __future__ import annotations

from collections.abc import Iterator

import trio

from tests.support.access_cases import KEYED
from tests.support.fuzz.connection import fuzzed
from tests.support.fuzz.crowd import HASTY, hold, listening
from tests.support.fuzz.faults import logged_faults
from tests.support.fuzz.fuzzable import open_fuzzable
from tests.support.fuzz.judge import Heard, Judge, told
from tests.support.fuzz.understood import Understood
from tests.support.fuzz.visits import visit
from tests.support.fuzz.wrong import Wrong

AT_ONCE = 16
"""Clients in a crowd."""


async def one_by_one(judge: Judge, seed: int, numbers: range, *, locked: bool = False) -> None:
    """Hold connections over socket pairs, on the virtual clock, one after the other.

    With the listeners ``locked``, none of the clients has a key.

    Raises:
        Wrong: what was found, with all that is needed to look into it.
    """
    with logged_faults() as logged:
        async with open_fuzzable(config=KEYED if locked else None) as program:
            for number in numbers:
                one, heard = fuzzed(seed, number), Heard()
                try:
                    await visit(program.fronts[one.facade], one, heard)
                    meant = judge.answers(one, heard, in_time=not locked)
                    judge.reached(program, [] if locked else meant)
                    if logged:
                        raise Wrong(f"a fault was logged: {logged[0]}")
                except Wrong as wrong:
                    raise Wrong(f"{wrong}\n{told(one, heard)}") from None


async def crowded(judge: Judge, seed: int, numbers: range) -> None:
    """Hold connections over loopback, on the real clock, many at once; raises as the other."""
    meant: list[Understood] = []

    async def hold_some(ports: dict[str, int], left: Iterator[int]) -> None:
        for number in left:
            one, heard = fuzzed(seed, number), Heard()
            await hold(ports[one.facade], one, heard)
            try:
                meant.extend(judge.answers(one, heard, in_time=False))
            except Wrong as wrong:
                raise Wrong(f"{wrong}\n{told(one, heard)}") from None

    with logged_faults() as logged:
        async with open_fuzzable(dawdles=False, config=HASTY) as program:
            async with listening(program) as ports, trio.open_nursery() as nursery:
                left = iter(numbers)
                for _ in range(AT_ONCE):
                    nursery.start_soon(hold_some, ports, left)
            judge.reached(program, meant)
    if logged:
        raise Wrong(f"among {seed}:{numbers} a fault was logged: {logged[0]}")
