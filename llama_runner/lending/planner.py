"""Sees what there is to decide from, and words what was decided against."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import trio
from attrs import define, evolve, field

from llama_runner.config.scheduling import SchedulingConfig
from llama_runner.errors import (
    CapacityError,
    LlamaRunnerError,
    OutOfMemory,
    RunnerError,
    RunnerLost,
)
from llama_runner.lending.circuits import Circuits
from llama_runner.lending.ending import Ending, Failure
from llama_runner.lending.growths import Growths
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.refusing import refusal_error
from llama_runner.lending.returns import Returns
from llama_runner.lending.room import Room
from llama_runner.lending.seat import Seat
from llama_runner.lending.waiting_line import WaitingLine
from llama_runner.memory.amounts import Amounts, in_words, total
from llama_runner.scheduling.circuit import Tries
from llama_runner.scheduling.decide import decide
from llama_runner.scheduling.hold_up import hold_up
from llama_runner.scheduling.outlook import Outlook, outlook
from llama_runner.scheduling.plan import Plan, Reason, Refusal
from llama_runner.scheduling.situation import NOT_ASKED, Budget, Rules, Situation
from llama_runner.scheduling.trail import Step

logger = logging.getLogger(__name__)


@define(eq=False)
class Planner:
    """Plans for one waiting line and the seats there are.

    Memory is looked at, and footprints are asked for, only when a model must be loaded.
    Those ``alone`` ran out of memory beside others: they get all that can be freed.
    """

    _settings: SchedulingConfig
    _line: WaitingLine
    _seats: Mapping[str, Seat]
    _room: Room
    rules: Rules = field(init=False)
    circuits: Circuits = field(init=False)
    alone: set[str] = field(factory=set, init=False)
    _fallbacks: dict[str, int] = field(factory=dict, init=False)
    """How many fallbacks down a model is launched now."""
    growths: Growths = field(factory=Growths, init=False)
    returns: Returns = field(factory=Returns, init=False)
    footprints: dict[str, Amounts] = field(factory=dict, init=False)
    _budget: Budget = field(default=NOT_ASKED, init=False)

    def __attrs_post_init__(self) -> None:
        settings = self._settings
        self.rules = Rules(
            patience=settings.patience,
            min_residency=settings.min_residency,
            memory_wait=settings.memory_wait,
            max_loaded=settings.max_loaded,
        )
        self.circuits = Circuits(
            Tries(most=settings.start_tries, pause=settings.retry_pause, rest=settings.retry_rest)
        )

    def plan(self) -> Plan:
        """Decide what is to be done now."""
        self.footprints = self._asked_for()
        self._budget = self._room.budget(self._pids()) if self.footprints else NOT_ASKED
        for model in self.alone & self.footprints.keys():
            self.footprints[model] = self._all_for(model)
        return decide(self.situation())

    def situation(self) -> Situation:
        """Return what there is to decide from, with memory as it was last looked at."""
        return Situation(
            waiting=list(self._line.tickets),
            residents={key: seat.resident for key, seat in self._seats.items()},
            footprints=self.footprints,
            budget=self._budget,
            rules=self.rules,
            not_before=self.circuits.not_before,
            now=trio.current_time(),
        )

    def outlook(self, model: str, footprint: Amounts) -> Outlook:
        """Return what loading a model would take now, which will hold ``footprint``."""
        budget = self._room.budget(self._pids())
        situation = evolve(self.situation(), footprints={model: footprint}, budget=budget)
        return outlook(model, situation)

    def hold_up(self, model: str) -> tuple[Step, str]:
        """Return what a model waits for that is not started, and the models that is about."""
        step, detail = hold_up(model, self.situation())
        saving = [key for key, seat in self._seats.items() if seat.step is Step.SAVE]
        return (Step.SAVE, ", ".join(saving)) if step is Step.STOP and saving else (step, detail)

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Tell those whose models find no memory, or have the models go back to a smaller context.

        Then only those are told who wanted the larger one: for the others the next load may fit.
        """
        smaller: set[str] = set()
        for refusal in refusals:
            ticket = refusal.ticket
            if ticket.model in smaller:
                continue
            spec = self.launched_now(self._line.place_of(ticket).spec)
            need = self.footprints[spec.key]
            error = refusal_error(spec.key, refusal.reason, need, self._budget)
            former = None if ticket.yields else self._shrunk(spec, str(error))
            if former is None:
                self._line.settle(ticket, error)
            else:
                self._line.refuse(error, ticket.model, former)
                smaller.add(ticket.model)

    def lacks(self, spec: ModelSpec) -> CapacityError | None:
        """Return why a model would find no memory even if all that may go were gone, if so."""
        need, budget = spec.footprint(), self._room.budget(self._pids())
        others = (seat for key, seat in self._seats.items() if key != spec.key)
        pinned = total(seat.footprint for seat in others if seat.pinned)
        what = f"{spec.key} with a context of {spec.context} tokens"
        if not need.fits(budget.most):
            return refusal_error(what, Reason.TOO_LARGE, need, budget)
        if not need.fits(budget.now + budget.owed - pinned):
            return refusal_error(what, Reason.NO_ROOM, need, budget)
        return None

    def leaving(self, seat: Seat) -> None:
        """Note what there is before an idle child is stopped, and that its model goes."""
        self._room.expect(self._pids())
        self.returns.went(seat)

    def memory_released(self, seat: Seat) -> None:
        """Note that a child which we stopped is gone: its next load begins as it is configured."""
        self._room.released(seat.footprint)
        self._fallbacks.pop(seat.spec.key, None)

    def started(self, seat: Seat) -> None:
        """Note that a model has started."""
        model = seat.spec.key
        self.growths.started(seat.spec)
        if model in self.alone:
            # It was given all there is to start with; that is not what it holds.
            self.alone.discard(model)
            seat.footprint = seat.spec.footprint()

    def launched_now(self, spec: ModelSpec) -> ModelSpec:
        """Return how a model is launched now: as its spec says, as a fallback of it, or grown."""
        for _ in range(self._fallbacks.get(spec.key, 0)):
            spec = spec.fallback or spec
        return self.growths.launched(spec)

    def ended(self, ending: Ending) -> Failure | None:
        """Note how a child has ended; return what those are told who wait for it in vain."""
        if ending.planned:
            self.memory_released(ending.seat)
        error, in_vain = ending.error, ending.in_vain
        if ending.seat.answered and not in_vain:
            self.circuits.served(ending.seat.spec.key)
        if (error is None and not in_vain) or (error is not None and self._tries_otherwise(ending)):
            return None
        spec, cause = ending.seat.spec, in_vain or str(error)
        former = None if ending.seat.answered else self._shrunk(spec, cause)
        if former is None:
            self.circuits.failed(spec.key, cause)
        if error is not None:
            return Failure(self._worded(ending, error), former)
        return None if former is None else Failure(RunnerLost(f"{spec.key}: {cause}"), former)

    def _shrunk(self, spec: ModelSpec, cause: str) -> int | None:
        """Return the context to which a model goes back whose start came to nothing, if it does."""
        former = self.growths.failed(spec, cause)
        if former is not None:
            logger.warning("%s goes back to a context of %d tokens: %s", spec.key, former, cause)
        return former

    def _tries_otherwise(self, ending: Ending) -> bool:
        """Tell whether a model that ran out of memory at its start is tried in another way.

        It gets all there is, once, and where there is something that can go. Then it is
        launched as each of its fallbacks.
        """
        spec = ending.seat.spec
        others = any(not seat.pinned for seat in self._seats.values())
        if ending.out_of_memory and others and spec.key not in self.alone:
            way = "without the others"
            self.alone.add(spec.key)
        elif ending.out_of_memory and spec.fallback is not None:
            way = f"with {spec.fallback.note}, as configured for that"
            self._fallbacks[spec.key] = self._fallbacks.get(spec.key, 0) + 1
        else:
            self.alone.discard(spec.key)
            self._fallbacks.pop(spec.key, None)
            return False
        logger.warning("%s ran out of memory at its start; it is tried %s", spec.key, way)
        return True

    def _worded(self, ending: Ending, error: RunnerError) -> RunnerError:
        """Return what those are told who waited for a start that has failed."""
        if not ending.out_of_memory:
            return error
        need, room = ending.seat.spec.footprint(), self._room.budget(self._pids()).now
        reckoned = f"it was reckoned to need {in_words(need)}, and models may have {in_words(room)}"
        return OutOfMemory(f"{error}; {reckoned}")

    def _asked_for(self) -> dict[str, Amounts]:
        footprints = {}
        for spec in self._line.specs():
            if spec.key not in self._seats:
                try:
                    footprints[spec.key] = self._footprint(spec)
                except LlamaRunnerError as error:
                    self._line.refuse(error, spec.key)
        return footprints

    def _footprint(self, spec: ModelSpec) -> Amounts:
        refusal = self.circuits.refusal(spec.key)
        if refusal is not None:
            raise refusal
        return self.launched_now(spec).footprint()

    def _all_for(self, model: str) -> Amounts:
        """Return what a model may hold once everything that can go is gone."""
        pinned = total(seat.footprint for seat in self._seats.values() if seat.pinned)
        room, footprint = self._budget.now - pinned, self.footprints[model]
        return Amounts(
            {device: max(size, room.on(device)) for device, size in footprint.by_device.items()}
        )

    def _pids(self) -> list[int]:
        return [seat.pid for seat in self._seats.values() if seat.pid is not None]
