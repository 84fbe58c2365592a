"""A runner and the book-keeping around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TypeAlias

import trio
from attrs import define, field, frozen

from llama_runner.lending.likely_load import likely_seconds
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.slot_watch import seen_idle
from llama_runner.lending.slots import Slots, Terms
from llama_runner.memory.amounts import Amounts
from llama_runner.relay.upstream_pool import Connect, UpstreamPool
from llama_runner.runner.child import Child, Spawner
from llama_runner.runner.launch import Launch
from llama_runner.runner.runner import Runner
from llama_runner.scheduling.conversation import Asked
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.trail import Step

Attendant: TypeAlias = Callable[["Seat"], AbstractAsyncContextManager[object]]
"""What is done for a runner beside lending it.

Its block is entered when the child is ready, and nothing is lent before that is done. It
is left before the child is stopped, with no connection open to it any more, or after the
child ended by itself (``Seat.child_lives`` tells). It is left under cancellation: what it
still wants to wait for then needs a shield, and a deadline.
"""


@frozen(eq=False)
class Outfit:
    """What every runner gets: how it is started and reached, and what is done for it beside.

    With ``shares`` the prompts of one client may serve another.
    """

    spawn: Spawner
    connect: Connect
    attendants: Sequence[Attendant] = ()
    shares: bool = False


@define(eq=False)
class Seat:
    """One resident model; ``resident`` is what the planner sees of it.

    ``waning`` counts the leases whose client has left and whose slot has not
    been seen idle yet: they are not given back before that.
    """

    spec: ModelSpec
    footprint: Amounts
    _outfit: Outfit
    _moved: Callable[[Seat], None]
    runner: Runner = field(init=False)
    phase: Phase = field(default=Phase.STARTING, init=False)
    step: Step = field(default=Step.SPAWN, init=False)
    """How far it is on its way to a first token, or to its end."""
    planned: bool = field(default=False, init=False)
    """Whether we have stopped it ourselves."""
    fault: str = field(default="", init=False)
    """What it was ended for, if for a fault of its own."""
    answered: bool = field(default=False, init=False)
    """Whether it has brought an answer to its end yet."""
    stop: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    pool: UpstreamPool | None = field(default=None, init=False)
    waning: int = field(default=0, init=False)
    watchers: trio.Nursery | None = field(default=None, init=False)
    slots: Slots = field(init=False)
    client: str = field(default="", init=False)
    last_used: float = field(default=0.0, init=False)
    began: float = field(factory=trio.current_time, init=False)
    ready_at: float = field(default=0.0, init=False)
    keep_alive: float | None = field(init=False)
    pinned: bool = field(init=False)
    returned: bool = field(default=False, init=False)
    """Whether it was asked for again soon after it had been stopped."""
    unwanted: float | None = field(default=None, init=False)
    gone: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.runner = Runner(self.spec.make_launch, self._spawned, self._while_ready)
        self.slots = Slots(self.spec.slots, self._outfit.shares)
        self.keep_alive, self.pinned = self.spec.keep_alive, self.spec.pinned

    @property
    def resident(self) -> Resident:
        """What the planner sees of it."""
        return Resident(
            footprint=self.footprint,
            phase=self.phase,
            slots=self.spec.slots,
            leases=self.leases,
            last_used=self.last_used,
            since=self.ready_at,
            pinned=self.pinned,
            keep_alive=self.keep_alive,
            cost=self.loaded_within,
            client=self.client,
            returned=self.returned,
            unwanted=self.unwanted,
        )

    @property
    def may_be_lent(self) -> bool:
        """Whether it is ready for a request that comes now."""
        return self.phase is Phase.READY and self.unwanted is None

    @property
    def leases(self) -> int:
        """How many of its slots are lent."""
        return self.spec.slots - len(self.slots.free)

    @property
    def loaded_within(self) -> float:
        """How many seconds its load took, or is likely to take."""
        if self.phase is not Phase.STARTING and self.ready_at:
            return self.ready_at - self.began
        return likely_seconds(self.footprint)

    @property
    def pid(self) -> int | None:
        """The process id of its child, while that runs."""
        child = self.runner.child
        return child.pid if child is not None and child.exit_code is None else None

    @property
    def child_lives(self) -> bool:
        """Whether its child still runs, and has not been ended for a fault."""
        return self.pid is not None and not self.fault

    def become_ready(self, now: float) -> None:
        """Note that it can be lent."""
        self.phase, self.ready_at = Phase.READY, now

    def leave(self) -> None:
        """Begin its end: nothing is lent any more, and its child is stopped."""
        self.phase, self.planned = Phase.STOPPING, True
        self.hang_up()
        self.stop.cancel()

    def let_go(self, now: float) -> None:
        """Have it stopped as soon as those that came until now have been served."""
        self.keep_alive, self.pinned = 0.0, False
        if self.unwanted is None:  # else some wait for its successor already
            self.unwanted = now

    def end_for(self, fault: str) -> None:
        """End it for a fault of its own, which those whom it serves are told."""
        self.fault = fault
        self.runner.hurry()  # it does not hear the request to exit
        self.leave()

    def lend(self, client: str, asked: Asked | None) -> tuple[int, Terms]:
        """Take one of its free slots for a client; return which, and on what terms."""
        self.client = client
        return self.slots.lend(client, asked)

    def give_back(self, slot: int, now: float) -> None:
        """Take back a slot that was lent."""
        self.slots.free.append(slot)
        self.last_used = now

    async def seen_idle(self, bound: float) -> float | None:
        """Return after how many seconds no slot was busy for a client that has left.

        None: not within ``bound``.
        """
        child = self.runner.child
        if child is None:
            return 0.0
        tail = self.runner.tail
        return await seen_idle(child.control, tail, self._busy_for_others, bound)

    def _busy_for_others(self) -> int:
        return self.leases - self.waning

    def hang_up(self) -> None:
        """Close every connection to the child, as a stop must before anything else."""
        if self.pool is not None:
            self.pool.close()

    @asynccontextmanager
    async def _spawned(self, launch: Launch) -> AsyncIterator[Child]:
        async with self._outfit.spawn(launch) as child:
            self._enter(Step.LOAD)
            yield child

    def _enter(self, step: Step) -> None:
        self.step = step
        self._moved(self)

    @asynccontextmanager
    async def _while_ready(self, launch: Launch) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            # Left last, once every attendant has done its part.
            stack.callback(self._enter, Step.STOP)
            self._enter(Step.RESTORE)
            for attendant in self._outfit.attendants:
                await stack.enter_async_context(attendant(self))
            self.pool = UpstreamPool(launch.host, launch.port, launch.api_key, self._outfit.connect)
            self._enter(Step.PROMPT)
            try:
                yield
            finally:
                self.phase = Phase.STOPPING
                self.pool.close()
                self._enter(Step.SAVE)
