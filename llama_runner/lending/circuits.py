"""Keeps count of the starts that fail, so that none is tried in vain again and again."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import trio
from attrs import define, field

from llama_runner.errors import CircuitOpen
from llama_runner.scheduling.circuit import Circuit, Tries

logger = logging.getLogger(__name__)


@define(eq=False)
class Circuits:
    """One for each model whose last start has failed."""

    _tries: Tries
    _known: dict[str, Circuit] = field(factory=dict, init=False)

    def failed(self, model: str, cause: str) -> None:
        """Note that a start has failed, or came to nothing."""
        now = trio.current_time()
        circuit = self._known.get(model, Circuit()).failed(now, cause, self._tries)
        self._known[model] = circuit
        if circuit.is_open(now, self._tries):
            failures, pause = circuit.failures, circuit.until - now
            message = "%s has failed to start %d times; it is left alone for %g s"
            logger.warning(message, model, failures, pause)

    def served(self, model: str) -> None:
        """Note that a start was not in vain."""
        self._known.pop(model, None)

    def refusal(self, model: str) -> CircuitOpen | None:
        """Return what whoever asks for a model is told while it is left alone."""
        circuit, now = self._known.get(model), trio.current_time()
        if circuit is None or not circuit.is_open(now, self._tries):
            return None
        left = circuit.until - now
        message = f"{circuit.failures} starts in a row have failed; the last: {circuit.cause}"
        return CircuitOpen(f"{message}; the next is tried in {left:.0f} s", retry_after=left)

    @property
    def not_before(self) -> Mapping[str, float]:
        """When each of them may be started again."""
        return {model: circuit.until for model, circuit in self._known.items()}

    def told(self, model: str) -> Circuit | None:
        """Return what is known of a model's failures, if there are any."""
        return self._known.get(model)
