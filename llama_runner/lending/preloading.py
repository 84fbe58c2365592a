"""Loads models before anybody asks for them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from llama_runner.errors import LlamaRunnerError, ShuttingDown
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.place import QueuedPlace

logger = logging.getLogger(__name__)

PRELOADING = "the start"
"""Who waits for them, among the clients."""


class Lends(Protocol):
    """Whoever has a queue."""

    def queue(self, spec: ModelSpec, client: str, *, yields: bool) -> QueuedPlace:
        """Return a place in it."""
        ...


async def preload(runners: Lends, specs: Iterable[ModelSpec]) -> None:
    """Load what fits, one after the other; tell of what does not."""
    for spec in specs:
        try:
            with runners.queue(spec, PRELOADING, yields=True) as place:
                (await place.granted()).wants_no_token()
        except ShuttingDown:
            return
        except LlamaRunnerError as error:
            logger.warning("%s is not loaded now: %s", spec.key, error)
