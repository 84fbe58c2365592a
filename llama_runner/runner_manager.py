"""Owns every runner and lends them to requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from operator import is_not

import trio
from attrs import define, field

from llama_runner.concurrency.groups import first_error
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import LlamaRunnerError, RunnerError, ShuttingDown
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event, RunnerChanged
from llama_runner.lending.alarm import Alarm
from llama_runner.lending.contexts import Contexts
from llama_runner.lending.described import described
from llama_runner.lending.ending import Ending
from llama_runner.lending.lent import lent
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.place import QueuedPlace
from llama_runner.lending.planner import Planner
from llama_runner.lending.prospects import Prospects
from llama_runner.lending.room import Look, Room
from llama_runner.lending.seat import Attendant, Outfit, Seat
from llama_runner.lending.taking_back import TakingBack
from llama_runner.lending.timeline import Timeline
from llama_runner.lending.waiting_line import WaitingLine
from llama_runner.memory.amounts import NOTHING, Amounts
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.upstream_pool import Connect, connect_tcp
from llama_runner.runner.child import Spawner
from llama_runner.runner.state import Ready, RunnerState
from llama_runner.scheduling.conversation import Asked
from llama_runner.scheduling.plan import Plan
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.ticket import Ticket


@asynccontextmanager
async def open_runner_manager(
    look: Look,
    spawn: Spawner,
    settings: SchedulingConfig,
    cancel_bound: float,
    events: Broadcaster[Event],
    connect: Connect = connect_tcp,
    *,
    reserve: Amounts = NOTHING,
    attendants: Sequence[Attendant] = (),
) -> AsyncIterator[RunnerManager]:
    """Open the nursery that owns all runners; leaving it stops them, all at once.

    ``reserve`` is the memory that stays free of models; ``attendants`` are entered for
    each runner that becomes ready, in their order.
    """
    async with trio.open_nursery() as nursery:
        room = Room(look, reserve, settings.memory_wait)
        outfit = Outfit(spawn, connect, attendants, settings.share_prompts)
        manager = RunnerManager(room, outfit, settings, cancel_bound, events, nursery)
        nursery.start_soon(manager.keep_time)
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

    _room: Room
    _outfit: Outfit
    _settings: SchedulingConfig
    _cancel_bound: float
    _events: Broadcaster[Event]
    _nursery: trio.Nursery
    line: WaitingLine = field(factory=WaitingLine, init=False)
    _seats: dict[str, Seat] = field(factory=dict, init=False)
    planner: Planner = field(init=False)
    contexts: Contexts = field(init=False)
    prospects: Prospects = field(init=False)
    timeline: Timeline = field(init=False)
    _alarm: Alarm = field(init=False)
    _leases: TakingBack = field(init=False)
    _refusal: LlamaRunnerError | None = field(default=None, init=False)
    pins: dict[str, bool] = field(factory=dict, init=False)
    """What was said of models while we run, whatever their configuration says."""

    def __attrs_post_init__(self) -> None:
        self.planner = Planner(self._settings, self.line, self._seats, self._room)
        self.contexts = Contexts(self._seats, self.planner)
        self.prospects = Prospects(self.line, self._seats, self.planner)
        self.timeline = Timeline(self.line, self._seats, self.planner)
        self._alarm = Alarm(self.reconsider)
        self._leases = TakingBack(
            *(self.line, self.prospects, self._alarm, self.reconsider),
            *(self._events, self._cancel_bound),
        )

    async def keep_time(self) -> None:
        """Do what becomes due by time alone."""
        await self._alarm.run()

    def queue(
        self, spec: ModelSpec, client: str, asked: Asked | None = None, *, yields: bool = False
    ) -> QueuedPlace:
        """Return a place in the queue for ``spec``, to be entered and left.

        What is ``asked`` tells which slot is best. For one that ``yields`` nothing is
        evicted: it is refused instead.
        """
        return QueuedPlace(spec, client, self, asked, yields)

    def enter(self, place: QueuedPlace) -> None:
        """Let a place wait, or settle it at once.

        Raises:
            ShuttingDown: nothing more is admitted.
            QueueFull: too many wait already.
            BadRequest: it wants a larger context than its model has, and may not.
            CapacityError: there is no memory for the context that it wants.

        """
        if self._refusal is not None:
            raise self._refusal
        more = self.contexts.growth_for(place) if place.wanted else 0
        if not (self.line or more):
            seat = self._seats.get(place.spec.key)
            if seat is not None and seat.slots.free and seat.may_be_lent:
                place.settle(lent(seat, place))
                return
        if len(self.line) >= self._settings.queue_limit:
            raise self.prospects.full()
        if more:
            self.let_go(self.contexts.grow(place.spec, more))
        now = trio.current_time()
        place.deadline = now + self._settings.queue_timeout
        self.line.add(place, now)
        self.timeline.asked(place)
        self.reconsider()

    def leave(self, place: QueuedPlace) -> None:
        """Take back what a place holds."""
        if place.lease is not None:
            self._leases.take_back(place.lease)
        else:
            self.line.drop(place)
            self.reconsider()

    def look(self, place: QueuedPlace) -> Waiting:
        """Return what to tell a client that waits at this place."""
        return self.prospects.of(place)

    def context(self, place: QueuedPlace) -> int:
        """Return how many tokens the model of a request has, or will have; 0: nobody knows."""
        return self.contexts.of(place.spec)

    def give_up(self, place: QueuedPlace) -> LlamaRunnerError:
        """Return what to tell a client that has waited at this place for too long."""
        return self.prospects.gave_up(place)

    def refuse(self, error: LlamaRunnerError) -> None:
        """Admit nothing more and fail whoever still waits."""
        self._refusal = error
        self.line.refuse(error)

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
    def seats(self) -> Collection[Seat]:
        """The runners there are."""
        return self._seats.values()

    def seat(self, model: str) -> Seat | None:
        """Return the runner of a model, if it has one."""
        return self._seats.get(model)

    def let_go(self, seat: Seat | None) -> None:
        """Begin to stop a model, if it is there.

        Answers in progress, and requests that wait for it already, come first.
        """
        if seat is None:
            return
        if seat.phase is Phase.STARTING and not self.line.waits_for(seat.spec.key):
            seat.leave()
        else:
            self.timeline.let_go(seat)
            seat.let_go(trio.current_time())
            self.reconsider()

    def reconsider(self) -> None:
        """Decide what is to be done now, and do it."""
        # Each step changes who is in the way of whom, and who is overdue, if anybody waits.
        while self._do(self.planner.plan()) and self.line:
            pass
        self.timeline.decided()

    def _do(self, plan: Plan) -> bool:
        """Take the steps of a plan; say whether there were any."""
        for ticket in plan.grants:
            place = self.line.place_of(ticket)
            seat, now = self._seats[ticket.model], trio.current_time()
            first_token = self.timeline.first_token(seat)
            self.line.settle(ticket, lent(seat, place, now, first_token))
        for key in (*plan.evictions, *plan.expiries):
            self.planner.leaving(self._seats[key])
            self._seats[key].leave()
        for ticket in plan.starts:
            self._start(ticket)
        self.planner.refuse(plan.refusals)
        self._alarm.set(plan.look_again)
        return plan.has_steps

    def _start(self, ticket: Ticket) -> None:
        # start_soon, not start: a load belongs to everyone waiting for the
        # model, so it must outlive the request that happened to ask first.
        spec = self.planner.launched_now(self.line.place_of(ticket).spec)
        footprint = self.planner.footprints[spec.key]
        seat = Seat(spec, footprint, self._outfit, self.timeline.moved)
        seat.returned = self.planner.returns.has(ticket)
        seat.pinned = self.pins.get(spec.key, spec.pinned)
        self._seats[spec.key] = seat
        self.timeline.moved(seat)
        self._nursery.start_soon(self._supervise, seat, name=f"runner {spec.key}")

    async def _supervise(self, seat: Seat) -> None:
        """Run one runner to its end: the fault boundary of one model."""
        error: RunnerError | None = None
        try:
            with seat.stop:
                async with trio.open_nursery() as nursery:
                    seat.watchers = nursery
                    nursery.start_soon(self._follow, seat)
                    await seat.runner.run()
                    nursery.cancel_scope.cancel()
        except* RunnerError as group:
            error = first_error(group)
        finally:
            seat.watchers = None
            seat.hang_up()
            del self._seats[seat.spec.key]
            seat.gone.set()
            self._tell(seat)
            self._end(Ending(seat, error))
            self.reconsider()

    def _end(self, ending: Ending) -> None:
        """Draw the consequences of a runner's end."""
        failure, model = self.planner.ended(ending), ending.seat.spec.key
        if failure is not None:
            self.line.refuse(failure.error, model, failure.beyond)
            if not self.line.waits_for(model):
                self.timeline.end(model, f"failed: {ending.error}")

    async def _follow(self, seat: Seat) -> None:
        state = seat.runner.state
        while True:
            now = state.value
            if isinstance(now, Ready) and seat.phase is Phase.STARTING:
                seat.become_ready(trio.current_time())
                self.prospects.loaded(seat)
                self.planner.started(seat)
                self.reconsider()
                self.timeline.ready(seat)
            self.timeline.told(seat.spec.key, now)
            self._tell(seat)
            await state.wait_for(partial(is_not, now))

    def _tell(self, seat: Seat) -> None:
        name, detail = described(seat.runner.state.value)
        self._events.publish(RunnerChanged(seat.spec.key, name, detail))
