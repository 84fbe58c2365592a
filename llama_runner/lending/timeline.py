"""Keeps the trail of each load: what it waited for, and for how long."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

import trio
from attrs import define, field

from llama_runner.lending.place import QueuedPlace
from llama_runner.lending.planner import Planner
from llama_runner.lending.seat import Seat
from llama_runner.lending.waiting_line import WaitingLine
from llama_runner.runner.state import RunnerState, Starting
from llama_runner.scheduling.resident import Phase
from llama_runner.scheduling.trail import LEFT, LOADED, Step, Trail

KEPT = 200
"""Trails that are remembered once they are over."""


@define(eq=False)
class Timeline:
    """The trails of the loads in progress, by model, and of those that are over."""

    _line: WaitingLine
    _seats: Mapping[str, Seat]
    _planner: Planner
    open: dict[str, Trail] = field(factory=dict, init=False)
    over: deque[Trail] = field(factory=lambda: deque(maxlen=KEPT), init=False)

    def asked(self, place: QueuedPlace) -> None:
        """Note a request that waits; it has a trail if its model must be loaded for it."""
        model = place.spec.key
        seat = self._seats.get(model)
        if seat is not None and seat.may_be_lent:
            return
        trail = self.open.get(model)
        if trail is None:
            trail = self.open[model] = Trail(model, place.client, trio.current_time())
        trail.requests += 1

    def decided(self) -> None:
        """Note what the models wait for that are not started yet, or must end before that."""
        for model, trail in list(self.open.items()):
            seat = self._seats.get(model)
            if seat is not None:
                if seat.unwanted is not None and seat.phase is not Phase.STARTING:
                    self._leaves(trail, seat)
            elif self._line.waits_for(model):
                step, detail = self._planner.hold_up(model)
                trail.enter(step, trio.current_time(), detail)
            else:
                self._end(trail, LEFT)

    def moved(self, seat: Seat) -> None:
        """Note how far a runner is; others may have waited for that."""
        trail = self.open.get(seat.spec.key)
        if seat.step in (Step.SAVE, Step.STOP):
            self.decided()
        elif trail is not None:
            trail.enter(seat.step, trio.current_time())

    def told(self, model: str, state: RunnerState) -> None:
        """Note how much of a model is loaded, if it says so."""
        if model in self.open and isinstance(state, Starting) and state.progress is not None:
            self.open[model].progress.append((trio.current_time(), state.progress))

    def first_token(self, seat: Seat) -> Callable[[str], None] | None:
        """Return what ends the trail of a model once it has served a request, or has not."""
        trail = self.open.get(seat.spec.key) if seat.unwanted is None else None
        return partial(self._end, trail) if trail is not None else None

    def let_go(self, seat: Seat) -> None:
        """Note that whoever comes from now on has a model loaded once more."""
        if seat.phase is Phase.READY:
            self.end(seat.spec.key, LOADED)

    def ready(self, seat: Seat) -> None:
        """Note that a model is ready, which is the end if nobody waits for it any more."""
        if not seat.leases and seat.unwanted is None:
            self.end(seat.spec.key, LOADED)

    def end(self, model: str, outcome: str) -> None:
        """End the trail of a model, if it has one."""
        if model in self.open:
            self._end(self.open[model], outcome)

    def _leaves(self, trail: Trail, seat: Seat) -> None:
        """Note how far a model is with its end, after which it is loaded again."""
        step: Step = Step.DRAIN if seat.step is Step.PROMPT else seat.step
        trail.enter(step, trio.current_time(), seat.spec.key)

    def _end(self, trail: Trail, outcome: str) -> None:
        # By now the model may have another one.
        if self.open.get(trail.model) is trail:
            del self.open[trail.model]
            trail.end(trio.current_time(), outcome)
            self.over.append(trail)
