"""Loads, unloads and pins models at somebody's word; facades and the command line call it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import trio
from attrs import define

from llama_runner.lending.loaded import LoadedModel
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.seat import Seat
from llama_runner.relay.relay_request import RelayRequest
from llama_runner.relay.target import Target
from llama_runner.runner_manager import RunnerManager
from llama_runner.scheduling.outlook import Outlook
from llama_runner.scheduling.plan import Reason
from llama_runner.scheduling.resident import Phase

logger = logging.getLogger(__name__)


@define(eq=False)
class ModelControl:
    """What can be done with a model besides asking it; names are resolved as in requests."""

    _resolve: Callable[[str], Target]
    _runners: RunnerManager

    async def load(self, name: str, client: str) -> str:
        """Load a model as a request would, waiting for its turn; return its key.

        Raises:
            LlamaRunnerError: why it cannot be loaded.

        """
        spec = self._spec(name)
        with self._runners.queue(spec, client) as place:
            (await place.granted()).wants_no_token()
        return spec.key

    async def unload(self, name: str) -> bool:
        """Stop a model and wait for its end; return whether it was loaded.

        Answers in progress, and requests that wait for it already, come first. Whoever
        asks for it meanwhile has it loaded again afterwards.
        """
        return await vacate(self._runners, self._spec(name).key)

    def stays(self, spec: ModelSpec, request: RelayRequest) -> bool:
        """Have a loaded model stay as a request would that came to its end now.

        False: it is not loaded, or not with all the context that is wanted.
        """
        seat = self._runners.seat(spec.key)
        if seat is None or not seat.may_be_lent or (request.context or 0) > seat.spec.context:
            return False
        if request.keep_alive is not None:
            seat.keep_alive = request.keep_alive
        seat.last_used = trio.current_time()
        self._runners.reconsider()
        return True

    def let_go(self, spec: ModelSpec) -> Seat | None:
        """Begin to unload a model as ``unload`` does, without a wait; return what leaves."""
        return _let_go(self._runners, spec.key)

    def pin(self, name: str, *, pinned: bool) -> str:
        """Keep a model loaded, once it is, until the program ends; or no longer. Return its key."""
        key = self._spec(name).key
        self._runners.pins[key] = pinned
        seat = self._runners.seat(key)
        if seat is not None and seat.unwanted is None:
            seat.pinned = pinned
            self._runners.reconsider()
        return key

    def outlook(self, name: str) -> dict[str, Any]:
        """Return what loading a model would take now, as JSON fields.

        ``evicts`` would be stopped, of which those ``waits_for`` answer somebody first;
        ``seconds`` is what is likely to pass, ``reason`` why it cannot be loaded.
        """
        spec = self._spec(name)
        # Once: whoever reckons it also notes what is free at that time.
        footprint = self._runners.planner.launched_now(spec).footprint()
        seen = self._runners.planner.outlook(spec.key, footprint)
        return {
            "model": spec.key,
            "loaded": seen.loaded,
            "can_load": seen.reason is None,
            "evicts": list(seen.evicts),
            "waits_for": list(seen.busy),
            "reason": _in_words(seen),
            "bytes": dict(footprint.by_device),
            "seconds": round(self._runners.prospects.load_takes(spec.key, footprint), 1),
        }

    def loaded(self) -> list[LoadedModel]:
        """Return what is loaded, or being loaded, and not on its way out."""
        now = trio.current_time()
        return [
            LoadedModel(
                seat.spec.key, seat.footprint, seat.resident.expires_in(now), seat.spec.context
            )
            for seat in self._runners.seats
            if seat.phase is not Phase.STOPPING
        ]

    def context(self, name: str) -> int:
        """Return the tokens that a request to a model has, or would have; 0: nobody knows."""
        return self._runners.contexts.of(self._spec(name))

    def _spec(self, name: str) -> ModelSpec:
        spec: ModelSpec = self._resolve(name).spec
        return spec


async def vacate(runners: RunnerManager, key: str) -> bool:
    """Stop a model as ``unload`` does; return whether it was loaded."""
    seat = _let_go(runners, key)
    if seat is None:
        return False
    await seat.gone.wait()
    return True


def _let_go(runners: RunnerManager, key: str) -> Seat | None:
    seat = runners.seat(key)
    if seat is not None:
        logger.info("%s is unloaded as soon as it is idle", key)
        runners.let_go(seat)
    return seat


def _in_words(seen: Outlook) -> str | None:
    match seen.reason:
        case None:
            return None
        case Reason.TOO_LARGE:
            return "it is too large for this machine"
        case Reason.NO_ROOM:
            return "other programs and pinned models leave too little memory"
