"""Owns every runner and lends them to requests."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from operator import is_not

import trio
from attrs import define, field

from llama_runner.config.app import SchedulingConfig
from llama_runner.errors import (
    LlamaRunnerError,
    ModelTooLarge,
    QueueFull,
    RunnerError,
    ShuttingDown,
)
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import CancelConfirmed, Event, RunnerChanged
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.place import QueuedPlace
from llama_runner.lending.seat import Seat
from llama_runner.lending.slot_watch import seen_idle
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.upstream_pool import Connect, connect_tcp
from llama_runner.runner.child import Spawner
from llama_runner.runner.state import Exited, Ready, RunnerState, Starting
from llama_runner.scheduling.decide import decide
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.ticket import Ticket

logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_runner_manager(
    capacity: int,
    spawn: Spawner,
    settings: SchedulingConfig,
    cancel_bound: float,
    events: Broadcaster[Event],
    connect: Connect = connect_tcp,
) -> AsyncIterator[RunnerManager]:
    """Open the nursery that owns all runners; leaving it stops them, all at once."""
    async with trio.open_nursery() as nursery:
        manager = RunnerManager(capacity, spawn, settings, cancel_bound, events, nursery, connect)
        try:
            yield manager
        finally:
            manager.refuse(ShuttingDown("the program is stopping"))
            manager.hang_up()
            nursery.cancel_scope.cancel()


@define(eq=False)
class RunnerManager:
    """Keeps the set of runners in step with the queue of requests.

    Nothing between a decision and its effects awaits, so the decision is
    still true when it takes effect and no lock is needed.
    """

    _capacity: int
    _spawn: Spawner
    _settings: SchedulingConfig
    _cancel_bound: float
    _events: Broadcaster[Event]
    _nursery: trio.Nursery
    _connect: Connect
    _numbers: count[int] = field(factory=count, init=False)
    _waiting: dict[Ticket, QueuedPlace] = field(factory=dict, init=False)
    _seats: dict[str, Seat] = field(factory=dict, init=False)
    _refusal: LlamaRunnerError | None = field(default=None, init=False)

    def queue(self, spec: ModelSpec) -> QueuedPlace:
        """Return a place in the queue for ``spec``, to be entered and left."""
        ticket = Ticket(next(self._numbers), spec.key, spec.footprint)
        return QueuedPlace(ticket, spec, self)

    def enter(self, place: QueuedPlace) -> None:
        """Let a place wait, or settle it at once.

        Raises:
            ShuttingDown: nothing more is admitted.
            QueueFull: too many wait already.

        """
        if self._refusal is not None:
            raise self._refusal
        if not self._waiting:
            seat = self._seats.get(place.spec.key)
            if seat is not None and seat.resident.has_room:
                # As the plan would have it, which need not be made for one alone in line.
                self._lend(seat, place)
                return
        if len(self._waiting) >= self._settings.queue_limit:
            raise QueueFull(f"{len(self._waiting)} requests wait already; try again later")
        place.deadline = trio.current_time() + self._settings.queue_timeout
        self._waiting[place.ticket] = place
        self._reconcile()

    def leave(self, place: QueuedPlace) -> None:
        """Take back what a place holds."""
        self._waiting.pop(place.ticket, None)
        if place.lease is not None:
            self._take_back(place.lease)
        self._reconcile()

    def look(self, place: QueuedPlace) -> Waiting:
        """Return what to tell a client that waits at this place."""
        ahead = 0
        for other in self._waiting.values():
            if other is place:
                break
            ahead += 1
        seat = self._seats.get(place.spec.key)
        state = seat.runner.state.value if seat is not None else None
        return Waiting(ahead, state.progress if isinstance(state, Starting) else None)

    def refuse(self, error: LlamaRunnerError) -> None:
        """Admit nothing more and fail whoever still waits."""
        self._refusal = error
        for ticket in list(self._waiting):
            self._waiting.pop(ticket).settle(error)

    def hang_up(self) -> None:
        """Close every connection to the children, which lets them end quickly."""
        for seat in self._seats.values():
            seat.hang_up()

    def hurry(self) -> None:
        """Make the stops, running or yet to come, quick ones."""
        for seat in self._seats.values():
            seat.runner.hurry()

    @property
    def residents(self) -> Mapping[str, tuple[Resident, RunnerState]]:
        """What is loaded at this instant, by model key."""
        return {key: (seat.resident, seat.runner.state.value) for key, seat in self._seats.items()}

    @property
    def queued(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    def _reconcile(self) -> None:
        if not self._waiting:
            return  # nothing is done but for a request
        residents = {key: seat.resident for key, seat in self._seats.items()}
        plan = decide(list(self._waiting), residents, self._capacity)
        for ticket in plan.grants:
            self._lend(self._seats[ticket.model], self._waiting.pop(ticket))
        for key in plan.evictions:
            self._evict(self._seats[key])
        for ticket in plan.starts:
            self._start(self._waiting[ticket].spec)
        for ticket in plan.refusals:
            error = ModelTooLarge(f"{ticket.model} is too large for this machine")
            self._waiting.pop(ticket).settle(error)

    def _lend(self, seat: Seat, place: QueuedPlace) -> None:
        assert seat.pool is not None  # as every ready seat has
        seat.lend()
        place.settle(RunnerLease(seat, seat.pool))

    def _take_back(self, lease: RunnerLease) -> None:
        # The lease's own seat, not its key's: the runner may have died under
        # this lease and another have taken its place since.
        seat = lease.seat
        if lease.abandoned and seat.resident.phase is Phase.READY and seat.watchers is not None:
            seat.waning += 1
            seat.watchers.start_soon(self._await_idle, seat)
        else:
            seat.give_back(trio.current_time())

    async def _await_idle(self, seat: Seat) -> None:
        def others() -> int:
            return seat.resident.leases - seat.waning

        child, tail, bound = seat.runner.child, seat.runner.tail, self._cancel_bound
        try:
            after = await seen_idle(child.control, tail, others, bound) if child else 0.0
        finally:
            seat.waning -= 1
            seat.give_back(trio.current_time())
            self._reconcile()
        self._events.publish(CancelConfirmed(seat.spec.key, after))
        if after is None:
            logger.warning("%s still works for a client that left %g s ago", seat.spec.key, bound)

    def _evict(self, seat: Seat) -> None:
        seat.enter(Phase.STOPPING)
        seat.hang_up()
        seat.stop.cancel()

    def _start(self, spec: ModelSpec) -> None:
        # start_soon, not start: a load belongs to everyone waiting for the
        # model, so it must outlive the request that happened to ask first.
        seat = self._seats[spec.key] = Seat(spec, self._spawn, self._connect)
        self._nursery.start_soon(self._supervise, seat, name=f"runner {spec.key}")

    async def _supervise(self, seat: Seat) -> None:
        """Run one runner to its end: the fault boundary of one model."""
        try:
            with seat.stop:
                async with trio.open_nursery() as nursery:
                    seat.watchers = nursery
                    nursery.start_soon(self._follow, seat)
                    await seat.runner.run()
                    nursery.cancel_scope.cancel()
        except* RunnerError as group:
            self._fail_waiters(seat.spec.key, _first(group))
        finally:
            seat.watchers = None
            seat.hang_up()
            del self._seats[seat.spec.key]
            self._tell(seat)
            self._reconcile()

    async def _follow(self, seat: Seat) -> None:
        state = seat.runner.state
        while True:
            now = state.value
            if isinstance(now, Ready) and seat.resident.phase is Phase.STARTING:
                seat.enter(Phase.READY)
                self._reconcile()
            self._tell(seat)
            await state.wait_for(partial(is_not, now))

    def _tell(self, seat: Seat) -> None:
        name, detail = described(seat.runner.state.value)
        self._events.publish(RunnerChanged(seat.spec.key, name, detail))

    def _fail_waiters(self, key: str, error: RunnerError) -> None:
        for ticket in [ticket for ticket in self._waiting if ticket.model == key]:
            self._waiting.pop(ticket).settle(error)


def described(state: RunnerState) -> tuple[str, str]:
    """Return the name of a state and, for people, its detail."""
    match state:
        case Starting(progress):
            return "starting", "" if progress is None else f"{progress:.0%}"
        case Ready():
            return "ready", ""
        case Exited(diagnosis=diagnosis):
            return "exited", diagnosis.message
        case _:
            return "stopping", ""


def _first(group: BaseExceptionGroup[RunnerError]) -> RunnerError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
