"""Plays a thrash trace on what serves, over real sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from statistics import median

import trio
from attrs import frozen

from tests.support.http_client import RawClient
from tests.support.streams import Streams
from tests.support.thrash import MODELS, REQUESTS, Ask, fewest_loads, trace

# In loads with the stop before, as in tests/integration/test_thrash.py; there such a load
# takes as long as seven answers at least.
ANSWERS = 7
GAP, PATIENCE, RESIDENCY = 2.5 / 7, 20 / 7, 5 / 7
TOKENS = 4
ROUNDS = 5
"""How often each model is loaded to measure a load and its stop; the first does not count."""
CLIENTS = ("one", "two")
"""Two clients by their API keys: all programs of this machine without one are the same client."""

Connect = Callable[[], Awaitable[RawClient]]


def key_of(client: str) -> str:
    """Return a client's API key."""
    return f"the-key-of-client-{client}"


@frozen
class Pace:
    """What a request takes beyond its load, and what that takes with the stop before; seconds."""

    answer: float
    swap: float

    @property
    def unit(self) -> float:
        """The seconds that a trace and its bounds are told in."""
        return max(self.swap, ANSWERS * self.answer)

    @property
    def scheduling(self) -> dict[str, float]:
        """The settings with which a trace is played."""
        return {"patience": PATIENCE * self.unit, "min_residency": RESIDENCY * self.unit}

    def trace(self, seed: int, requests: int = REQUESTS) -> list[Ask]:
        """Return the trace at this pace."""
        return trace(seed, GAP * self.unit, requests)

    def fewest_loads(self, asked: Sequence[Ask]) -> int | None:
        """Return the fewest loads with which nobody waits beyond the bound."""
        within = self.scheduling["patience"] + self.answer + self.swap
        times = {"answer": self.answer, "swap": self.swap, "load": self.swap}
        return fewest_loads(asked, within=within, **times)


async def measure_pace(connect: Connect, rounds: int = ROUNDS) -> Pace:
    """Ask each model twice in turns, so many rounds, with nobody else about."""
    first, again = Streams(), Streams()
    for model in MODELS * rounds:
        for seen in (first, again):
            await _ask(connect, Ask(0.0, CLIENTS[0], model), seen)
    answer = median(again.waits) + median(again.answers)
    # The first round reads the files, and has nothing to restore.
    return Pace(answer, median(first.waits[len(MODELS) :]) - median(again.waits))


async def play_trace(connect: Connect, asked: Sequence[Ask]) -> Streams:
    """Play a trace to its end."""
    seen = Streams()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for ask in asked:
            await trio.sleep_until(began + ask.at)
            nursery.start_soon(_ask, connect, ask, seen)
    return seen


async def _ask(connect: Connect, ask: Ask, seen: Streams) -> None:
    client = await connect()
    await seen.read(client, ask.model, TOKENS, key_of(ask.client))
    client.close()
