"""Cancels requests at random moments on a real engine and measures how soon it stops.

The evidence is the engine's own log ("slot release … stop processing"), read
as it is printed; our own confirmation by ``/slots`` is compared with it. The
yardstick is a neighbour that streams all the while: the longest gap between
its tokens is what one step of the engine took, batch of the cancelled prompt
included, on this machine at that moment.
"""

from __future__ import annotations

import random
import re
import statistics
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import trio
from attrs import define, field, frozen

from llama_runner.events.event import Event
from llama_runner.events.exchange import Exchange
from llama_runner.runner.log_tail import LogTail
from tests.support.program import Program

_launched = re.compile(r"launch_slot_: id +(\d+) \| task (\d+) \|").search
_released = re.compile(r"slot +release: id +(\d+) \| task (\d+) \|").search

TOLD_WITHIN = 30
LASTING_PIECES = 1500
"""Half of what a neighbour is asked for; one cancel sees less than a tenth of it."""
ALLOWANCE = 0.1
"""Seconds beyond one step of the engine in which a slot must be idle."""


@frozen
class Cancelled:
    """One cancelled request: seconds from the client's leaving."""

    phase: str
    streamed: bool
    closed_after: float
    idle_after: float
    step: float
    """The longest gap between the neighbour's tokens around that moment."""

    def within(self, steps: int) -> bool:
        """Whether the slot was idle within so many steps of the engine and the allowance."""
        return self.idle_after <= steps * self.step + ALLOWANCE


@define(eq=False)
class Neighbour:
    """Streams all the while, and notes when each piece came."""

    program: Program
    body: dict[str, object]
    arrivals: list[float] = field(factory=list)
    _grown: trio.Event = field(factory=trio.Event, init=False)
    _answer: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _answer_began: int = field(default=0, init=False)

    async def stream(self) -> None:
        """Read one endless answer after the other."""
        while True:
            client = self.program.client()
            self._answer_began = len(self.arrivals)
            with trio.CancelScope() as self._answer:
                await client.request(body=self.body)
                await client.head()
                async with aclosing(client.pieces()) as pieces:
                    async for _ in pieces:
                        self.arrivals.append(trio.current_time())
                        self._grown.set()
            client.close()

    async def lasts(self) -> None:
        """See to it that the answer will not end soon: the next one would look like a cancel's."""
        if len(self.arrivals) - self._answer_began > LASTING_PIECES:
            self._answer.cancel()
            await self.tokens(3)

    async def tokens(self, count: int) -> None:
        """Wait until this many more pieces have come."""
        wanted = len(self.arrivals) + count
        while len(self.arrivals) < wanted:
            self._grown = trio.Event()
            await self._grown.wait()

    def longest_gap(self, since: float) -> float:
        """Return the longest gap that ended after ``since``."""
        pairs = zip(self.arrivals, self.arrivals[1:], strict=False)
        return max((after - before for before, after in pairs if after >= since), default=0.0)


@asynccontextmanager
async def streaming_neighbour(
    program: Program, body: dict[str, object]
) -> AsyncIterator[Neighbour]:
    """Keep a neighbour streaming while the block lasts."""
    neighbour = Neighbour(program, body)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(neighbour.stream)
        await neighbour.tokens(3)
        yield neighbour
        nursery.cancel_scope.cancel()


async def cancel_one(
    program: Program,
    neighbour: Neighbour,
    body: dict[str, object],
    phase: str,
    after: float,
) -> Cancelled:
    """Leave ``after`` seconds into the phase; wait until the engine's log says the slot is idle."""
    (seat,) = program.runners._seats.values()
    tail = seat.runner.tail
    await neighbour.lasts()
    client = program.client()
    before = tail.end
    began = trio.current_time()
    with program.events.subscribe() as told:
        await client.request(body=body)
        task = await _matching(tail, before, _launched)
        if phase == "decode":
            await neighbour.tokens(12)
        await trio.sleep(after)
        left = trio.current_time()
        client.close()
        await _matching(tail, before, _released, task)
        idle_after = trio.current_time() - left
        closed = await _closed_after(told)
    await neighbour.tokens(2)
    step = neighbour.longest_gap(began)
    return Cancelled(phase, bool(body.get("stream")), closed, idle_after, step)


async def _closed_after(told: trio.MemoryReceiveChannel[Event]) -> float:
    """Wait until it is told how soon the engine's connection was closed."""
    with trio.fail_after(TOLD_WITHIN):
        async for event in told:
            if isinstance(event, Exchange) and event.closed_after is not None:
                return event.closed_after
    raise AssertionError("the program stopped telling")


async def _matching(tail: LogTail, start: int, search: object, task: str | None = None) -> str:
    """Wait for a line that tells of a slot; return its task's number."""
    while True:
        taken = tail.since(start)
        for line in taken.lines:
            found = search(line)  # type: ignore[operator]
            if found and task in (None, found[2]):
                return str(found[2])
        start = taken.end
        await tail.more_than(start)


def random_words(count: int, seed: int) -> str:
    """Return a prompt that no cache has seen."""
    chosen = random.Random(seed)  # noqa: S311 - words, not secrets
    return " ".join(chosen.choice("abcdefghijklmnopqrstuvwxyz") * 3 for _ in range(count))


def summary(cancelled: Sequence[Cancelled]) -> dict[str, object]:
    """Return the figures of a run: milliseconds, by phase."""
    figures: dict[str, object] = {}
    for phase in sorted({one.phase for one in cancelled}):
        ours = [one for one in cancelled if one.phase == phase]
        idle = sorted(1000 * one.idle_after for one in ours)
        figures[phase] = {
            "cancels": len(ours),
            "idle within one engine step + 100 ms": sum(one.within(1) for one in ours),
            "idle within two engine steps + 100 ms": sum(one.within(2) for one in ours),
            "idle after ms, median": round(statistics.median(idle), 1),
            "idle after ms, largest": round(idle[-1], 1),
            "closed within 10 ms": sum(one.closed_after <= 0.01 for one in ours),
            "closed after ms, largest": round(1000 * max(one.closed_after for one in ours), 2),
            "engine step ms, median": round(1000 * statistics.median(o.step for o in ours), 1),
        }
    return figures
