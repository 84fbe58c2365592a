"""Heeds the context that a client wants its model to hold."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from attrs import define, field

from llama_runner.config.larger_context import GROW, REFUSE
from llama_runner.errors import BadRequest, CapacityError
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.place import QueuedPlace
from llama_runner.lending.planner import Planner
from llama_runner.lending.seat import Seat
from llama_runner.scheduling.resident import Phase

logger = logging.getLogger(__name__)

REMEMBERED = 1024
"""Wishes that are remembered to have been told; clients may think of any number."""


@define(eq=False)
class Contexts:
    """Does what the operator says where a client wants more than its model has.

    One that is enough changes nothing: no model is loaded again for it.
    """

    _seats: Mapping[str, Seat]
    _planner: Planner
    _told: set[tuple[str, int]] = field(factory=set, init=False)

    def of(self, spec: ModelSpec) -> int:
        """Return the tokens that a request which comes now has; 0 if that is not known."""
        seat = self._seats.get(spec.key)
        if seat is not None and seat.phase is not Phase.STOPPING and seat.unwanted is None:
            return seat.spec.context
        return self._planner.launched_now(spec).context

    def growth_for(self, place: QueuedPlace) -> int:
        """Return the context to grow to for a request that comes now; 0 if its model stays.

        Raises:
            BadRequest: it wants more than there is, and is refused for that.
            CapacityError: there is no memory for what it wants.

        """
        spec, wanted = place.spec, place.wanted
        held = self.of(spec)
        if not held or wanted <= held:
            return 0
        if spec.larger_context == REFUSE:
            message = f"num_ctx: {spec.key} has a context of {held} tokens, {wanted} were asked for"
            raise BadRequest(message, param="num_ctx")
        more = self._to_grow(spec, wanted) if spec.larger_context == GROW else 0
        if not more:
            self._tell(spec, wanted, held)
        return more

    def grow(self, spec: ModelSpec, context: int) -> Seat | None:
        """Have a model launched with a larger context; return what must be stopped for that."""
        self._planner.growths.grow(spec, context)
        logger.info("%s is loaded with a context of %d tokens once it is idle", spec.key, context)
        return self._seats.get(spec.key)

    def _to_grow(self, spec: ModelSpec, wanted: int) -> int:
        """Return the first step for which there would be memory."""
        refusal: CapacityError | None = None
        for context in self._planner.growths.steps(spec, wanted):
            refusal = self._refusal(spec, context)
            if refusal is None:
                return context
        if refusal is not None:
            raise refusal
        return 0

    def _refusal(self, spec: ModelSpec, context: int) -> CapacityError | None:
        assert spec.grown is not None  # as in all that grow
        tried = self._planner.growths.refusal(spec, context)
        return tried or self._planner.lacks(spec.grown(context))

    def _tell(self, spec: ModelSpec, wanted: int, held: int) -> None:
        """Tell the operator, once for each wish."""
        wish = spec.key, wanted
        if wish not in self._told and len(self._told) < REMEMBERED:
            self._told.add(wish)
            message = "%s has a context of %d tokens; a client wants %d, and gets what there is"
            logger.info(message, spec.key, held, wanted)
