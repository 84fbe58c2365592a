"""What the relay must know of a route whose requests and answers are not the engine's."""

from __future__ import annotations

from typing import Protocol

from llama_runner.relay.record import Durations
from llama_runner.relay.relay_request import RelayRequest
from llama_runner.wire.body import Body


class Asked(Protocol):
    """One request, translated."""

    @property
    def request(self) -> RelayRequest:
        """What the engine is to do."""
        ...

    @property
    def only_loads(self) -> bool:
        """Whether the model is to be loaded and nothing else."""
        ...

    def answer(self, body: bytes, took: Durations) -> bytes:
        """Return the client's answer, made of the engine's; of nothing, if it only loads."""
        ...


class Tongue(Protocol):
    """Reads the requests of one route."""

    def read(self, body: Body) -> Asked:
        """Return what is asked.

        Raises:
            LlamaRunnerError: it cannot be understood.

        """
        ...
