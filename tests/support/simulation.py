"""A manager over fake children, to which random things happen; every promise is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from random import Random

import trio
from attrs import define, evolve, field
from trio.testing import wait_all_tasks_blocked

from llama_runner.config.larger_context import CLAMP, GROW, REFUSE
from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import BadRequest, CapacityError, RunnerError
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event
from llama_runner.lending.lease import RunnerLease
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.place import QueuedPlace
from llama_runner.runner.child import Child
from llama_runner.runner.launch import Launch
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from llama_runner.scheduling.decide import decide
from llama_runner.scheduling.plan import Plan
from tests.support.contexts import Wants
from tests.support.fake_child import Behaviour, FakeChild, FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram

SIZES = {"a": 6, "b": 4, "c": 3, "d": 10, "e": 1, "huge": 13}
CONTEXT, TRAINED = 1, 4
WISHES = (*(None,) * 8, 1, 2, 3, 4, 5)
POLICIES = {"a": CLAMP, "d": REFUSE, **dict.fromkeys(("b", "c", "e", "huge"), GROW)}
HELD = {
    f"{model} {context}": size + context - CONTEXT
    for model, size in SIZES.items()
    for context in range(CONTEXT, TRAINED + 1)
}
"""What the children hold, by model and context."""
TOTAL = 12
CLIENTS = ("x", "y", "z")
SLOTS = 2
LOADS_FOR, STOP_TAKES, LONGEST_ANSWER = 3.0, 1.0, 8.0
KEEP_ALIVES = (None, None, 0.0, 1.0, 20.0)
SETTINGS = SchedulingConfig(patience=6, min_residency=4, memory_wait=2, queue_timeout=80_000)

STEP = SETTINGS.min_residency + LONGEST_ANSWER + STOP_TAKES + SETTINGS.memory_wait + LOADS_FOR + 1.5
"""What one ticket ahead may cost; a second and a half for looking again and for being told."""

FINE = Behaviour(loads_for=LOADS_FOR, stop_takes=STOP_TAKES)
FAILS = evolve(FINE, exits_after=1.0, exit_code=1)
LACKS_MEMORY = evolve(FAILS, prints=("failed to allocate buffer for kv cache",))

STARTS = (*(FINE,) * 18, FAILS, LACKS_MEMORY)

LIKELY: Mapping[str, int] = {"ask": 70, "leave": 12, "crash": 4, "memory": 5, "starts": 3}
"""What may happen next, and how likely it is."""


def spec_of(model: str, keep_alive: float | None, context: int = CONTEXT) -> ModelSpec:
    """Return what the manager must know of a model that is launched with this context."""
    launched = f"{model} {context}"
    return ModelSpec(
        model,
        SLOTS,
        lambda: fake_launch(launched, slots=SLOTS),
        lambda: ram(HELD[launched]),
        keep_alive,
        context=context,
        trained=TRAINED,
        larger_context=POLICIES[model],
        grown=partial(spec_of, model, keep_alive),
    )


@define(eq=False)
class WatchfulSpawner:
    """Sees to it that no memory is promised twice; counts the starts that fail."""

    spawn: FakeSpawner
    memory: FakeMemory
    failed: int = 0

    def __call__(self, launch: Launch) -> AbstractAsyncContextManager[Child]:
        self.failed += self.spawn.behaviour is not FINE
        taken = sum(HELD[child.launch.name] for child in self.spawn.alive)
        assert taken + HELD[launch.name] + self.memory.others <= TOTAL
        return self.spawn(launch)


@define(eq=False)
class Simulation:
    """``steps`` random steps from one seed; ``ends`` counts how requests ended."""

    random: Random
    ends: Counter[str] = field(factory=Counter)
    asked: int = 0
    crashes: int = 0
    growths: int = 0
    longest_wait: float = 0.0
    nearest_to_bound: float = 0.0
    """The largest part of its bound that a wait has taken."""
    _spawn: FakeSpawner = field(factory=partial(FakeSpawner, FINE), init=False)
    _memory: FakeMemory = field(init=False)
    _watched: WatchfulSpawner = field(init=False)
    _crashed: set[FakeChild] = field(factory=set, init=False)
    _leaving: list[trio.CancelScope] = field(factory=list, init=False)
    _held: Counter[tuple[int, int]] = field(factory=Counter, init=False)

    def __attrs_post_init__(self) -> None:
        self._memory = FakeMemory(TOTAL, HELD, self._spawn)
        self._watched = WatchfulSpawner(self._spawn, self._memory)

    async def run(self, steps: int) -> None:
        """Take the steps, then let everybody finish."""
        events = Broadcaster[Event]()
        async with open_runner_manager(
            self._memory, self._watched, SETTINGS, 30, events
        ) as manager:
            async with trio.open_nursery() as nursery:
                for _ in range(steps):
                    self._step(manager, nursery)
                    await self._settle(manager)
                    if self.random.random() < 0.6:
                        await trio.sleep(self.random.expovariate(1.5))
                self._memory.others, self._spawn.behaviour = 0, FINE
            await trio.sleep(1)  # slots whose client has left are seen idle
            assert len(manager.line) == 0
            assert not any(resident.leases for resident, _ in manager.residents.values())
        assert not self._spawn.alive
        assert self.ends.total() == self.asked
        assert not manager.timeline.open

    def _step(self, manager: RunnerManager, nursery: trio.Nursery) -> None:
        match self.random.choices(tuple(LIKELY), tuple(LIKELY.values()))[0]:
            case "ask" if len(manager.line) < 40:
                self.asked += 1
                nursery.start_soon(self._visit, manager)
            case "leave" if self._leaving:
                self.random.choice(self._leaving).cancel()
            case "crash" if self._spawn.alive:
                child = self.random.choice(self._spawn.alive)
                self._crashed.add(child)
                self.crashes += 1
                child.die(-11)
            case "starts":
                # All of them fail until the next such step, or none does.
                self._spawn.behaviour = self.random.choice(STARTS)
            case "memory":
                held = sum(HELD[child.launch.name] for child in self._spawn.alive)
                self._memory.others = self.random.randint(0, min(5, TOTAL - held))

    async def _settle(self, manager: RunnerManager) -> None:
        """Wait until nothing happens by itself; then nothing may be left to be done."""
        await wait_all_tasks_blocked()
        self._spawn.children = self._spawn.alive
        self._spawn.history.clear()
        plan = decide(manager.planner.situation())
        assert plan == Plan(look_again=plan.look_again), ("a wake-up was lost", plan)
        assert plan.look_again > trio.current_time() or not len(manager.line)
        self._check_trails(manager)

    def _check_trails(self, manager: RunnerManager) -> None:
        """See to it that each load has one trail, and that its steps leave no time out."""
        for model in manager.timeline.open:
            assert manager.line.waits_for(model) or model in manager.residents, model
        while manager.timeline.over:
            trail = manager.timeline.over.popleft()
            assert trail.ended is not None
            spent = sum(span.ended - span.began for span in trail.spans)
            assert abs(spent - (trail.ended - trail.began)) < 1e-6, trail

    async def _visit(self, manager: RunnerManager) -> None:
        model, client = self.random.choice(tuple(SIZES)), self.random.choice(CLIENTS)
        spec = spec_of(model, self.random.choice(KEEP_ALIVES))
        wants = Wants(self.random.choice(WISHES))
        end = "left"
        with trio.CancelScope() as leaving:
            self._leaving.append(leaving)
            try:
                turn, goal = manager.line.served, manager.planner.growths.goal(spec)
                with manager.queue(spec, client, wants) as place:
                    self.growths += manager.planner.growths.goal(spec) > goal
                    lease = await self._granted(manager, place, turn)
                    if spec.larger_context == GROW:
                        assert place.context >= min(place.wanted, TRAINED), "less than was wanted"
                    await self._use(lease)
                end = "served"
            except RunnerError:
                end = "failed"
            except (BadRequest, CapacityError):
                end = "refused"
            finally:
                self._leaving.remove(leaving)
        self.ends[end] += 1

    async def _granted(self, manager: RunnerManager, place: QueuedPlace, turn: int) -> RunnerLease:
        began, ended = trio.current_time(), self._ended
        if place.ticket is None:
            return await place.granted()
        ahead, turns = manager.look(place).ahead or 0, place.ticket.turn - turn
        lease = await place.granted()
        waited = trio.current_time() - began
        served = ahead + (len(CLIENTS) - 1) * turns + self._ended - ended
        bound = SETTINGS.patience + (served + 1) * STEP
        assert waited <= bound, (waited, bound, place.ticket)
        self.longest_wait = max(self.longest_wait, waited)
        self.nearest_to_bound = max(self.nearest_to_bound, waited / bound)
        return lease

    @property
    def _ended(self) -> int:
        """How many loads came to nothing, or to an end, for another reason than room."""
        return self.crashes + self._watched.failed + self.growths

    async def _use(self, lease: RunnerLease) -> None:
        child = lease.seat.runner.child
        assert isinstance(child, FakeChild)
        assert child.exit_code is None or child in self._crashed, "lent though it is dead"
        slot = (child.pid, lease.slot)
        self._held[slot] += 1
        assert self._held[slot] == 1, "a slot was lent twice"
        try:
            await trio.sleep(self.random.uniform(0, LONGEST_ANSWER))
        finally:
            del self._held[slot]
            if self.random.random() < 0.2:
                lease.abandon()
            assert child.exit_code is None or child in self._crashed, "cut off by an eviction"


def simulate(seed: int, steps: int) -> Simulation:
    """Run one simulation on the virtual clock."""
    simulation = Simulation(Random(seed))
    trio.run(partial(simulation.run, steps), clock=trio.testing.MockClock(autojump_threshold=0))
    return simulation
