"""All that a decision is made from, at one instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from attrs import field, frozen

from llama_runner.memory.amounts import NOTHING, Amounts, total
from llama_runner.scheduling.resident import Phase, Resident
from llama_runner.scheduling.ticket import Ticket

PLACES = "places"
"""``max_loaded`` is kept like memory: a device of its own, on which each model takes one."""

ONE_PLACE = Amounts({PLACES: 1})
UNLIMITED = 1_000_000


@frozen(kw_only=True)
class Rules:
    """What the operator says; times in seconds."""

    patience: float = 10.0
    min_residency: float = 5.0
    memory_wait: float = 5.0
    max_loaded: int | None = None


@frozen(kw_only=True)
class Budget:
    """The memory that all our models together may hold.

    ``most`` is what it would be if nothing else ran on this machine, ``now`` what it is.
    ``owed`` is what a child that has ended has not been seen to give back yet.
    """

    most: Amounts
    now: Amounts
    owed: Amounts = NOTHING


NOT_ASKED = Budget(most=NOTHING, now=NOTHING)
"""Stands for the budget where nobody waits for a load."""


@frozen(kw_only=True)
class Situation:
    """Who waits, what is loaded and how much memory there is.

    ``footprints`` are those of the models that are waited for and not resident;
    ``not_before`` says of some models when they may be started again.
    """

    waiting: Sequence[Ticket] = ()
    residents: Mapping[str, Resident] = field(factory=dict)
    footprints: Mapping[str, Amounts] = field(factory=dict)
    budget: Budget
    rules: Rules = Rules()
    not_before: Mapping[str, float] = field(factory=dict)
    now: float = 0.0

    @property
    def most(self) -> Amounts:
        """What all models together may hold at best, places included."""
        return self.budget.most + self._places

    @property
    def free(self) -> Amounts:
        """What is left beside the residents, places included; less than nothing is possible."""
        held = self.held_by(self.residents)
        return self.budget.now + self._places - held

    @property
    def leaving(self) -> list[str]:
        """The residents that are on their way out."""
        return [key for key, found in self.residents.items() if found.phase is Phase.STOPPING]

    @property
    def coming(self) -> Amounts:
        """What is free once those that leave are gone and have given back all they held."""
        return self.free + self.held_by(self.leaving) + self.budget.owed

    def held_by(self, keys: Iterable[str]) -> Amounts:
        """Return what these residents hold, places included."""
        return total(self.residents[key].footprint + ONE_PLACE for key in keys)

    def need(self, model: str) -> Amounts:
        """Return what a model needs to be started, places included."""
        return self.footprints[model] + ONE_PLACE

    def starts_at(self, model: str) -> float:
        """Return when a model may be started at the earliest."""
        return self.not_before.get(model, -inf)

    @property
    def _places(self) -> Amounts:
        limit = self.rules.max_loaded
        return Amounts({PLACES: UNLIMITED if limit is None else limit})
