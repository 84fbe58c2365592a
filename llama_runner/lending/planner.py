"""Sees what there is to decide from, and words what was decided against."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from attrs import define, field

from llama_runner.config.app import SchedulingConfig
from llama_runner.errors import CapacityError, LlamaRunnerError
from llama_runner.lending.refusing import refusal_error
from llama_runner.lending.room import Room
from llama_runner.lending.seat import Seat
from llama_runner.lending.waiting_line import WaitingLine
from llama_runner.memory.amounts import Amounts
from llama_runner.scheduling.decide import decide
from llama_runner.scheduling.plan import Plan, Refusal
from llama_runner.scheduling.situation import NOT_ASKED, Budget, Rules, Situation


@define(eq=False)
class Planner:
    """Plans for one waiting line and the seats there are.

    Memory is looked at, and footprints are asked for, only when a model must be loaded.
    ``not_before`` says of models when they may be started again; whoever sets it, clears it.
    """

    _settings: SchedulingConfig
    _line: WaitingLine
    _seats: Mapping[str, Seat]
    _room: Room
    rules: Rules = field(init=False)
    not_before: dict[str, float] = field(factory=dict, init=False)
    footprints: Mapping[str, Amounts] = field(factory=dict, init=False)
    _budget: Budget = field(default=NOT_ASKED, init=False)

    def __attrs_post_init__(self) -> None:
        settings = self._settings
        self.rules = Rules(
            patience=settings.patience,
            min_residency=settings.min_residency,
            memory_wait=settings.memory_wait,
            max_loaded=settings.max_loaded,
        )

    def plan(self) -> Plan:
        """Decide what is to be done now."""
        self.footprints = self._asked_for()
        self._budget = self._room.budget(self._pids()) if self.footprints else NOT_ASKED
        return decide(self.situation())

    def situation(self) -> Situation:
        """Return what there is to decide from, with memory as it was last looked at."""
        return Situation(
            waiting=list(self._line.tickets),
            residents={key: seat.resident for key, seat in self._seats.items()},
            footprints=self.footprints,
            budget=self._budget,
            rules=self.rules,
            not_before=self.not_before,
            now=trio.current_time(),
        )

    def error_of(self, refusal: Refusal) -> CapacityError:
        """Return what a refused client is told."""
        return refusal_error(refusal, self.footprints[refusal.ticket.model], self._budget)

    def expect_memory(self) -> None:
        """Note what there is before a child is stopped."""
        self._room.expect(self._pids())

    def memory_released(self, seat: Seat) -> None:
        """Note that a child which we stopped is gone."""
        self._room.released(seat.footprint)

    def _asked_for(self) -> dict[str, Amounts]:
        footprints = {}
        for spec in self._line.specs():
            if spec.key not in self._seats:
                try:
                    footprints[spec.key] = spec.footprint()
                except LlamaRunnerError as error:
                    self._line.refuse(error, spec.key)
        return footprints

    def _pids(self) -> list[int]:
        return [seat.pid for seat in self._seats.values() if seat.pid is not None]
