"""What the relay must know of a route whose requests and answers are not the engine's."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from llama_runner.errors import EngineRefused
from llama_runner.events.usage import Usage
from llama_runner.relay.dialect import Waiting
from llama_runner.relay.record import Durations
from llama_runner.relay.relay_request import RelayRequest
from llama_runner.relay.target import Target
from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import Aside


class Wish(Enum):
    """What is to be done with a model."""

    ANSWER = "answer"
    LOAD = "load"
    UNLOAD = "unload"


class Reply(Protocol):
    """Makes the client's answer of the engine's, as it comes."""

    @property
    def usage(self) -> Usage | None:
        """What the answer took, once it has ended and if the engine said so."""
        ...

    @property
    def waiting(self) -> Waiting:
        """How far the prompt has been read."""
        ...

    def feed(self, piece: bytes) -> bytes:
        """Take what came next; return what the client is to see now, if it wants a stream.

        Raises:
            EngineRefused: the engine ends its stream with an error.
            FramingError: what came is no stream.
            RunnerLost: it is nothing that the engine should say.

        """
        ...

    def end(self, took: Durations) -> bytes:
        """Return what the client is to see last, or the whole answer if it wants no stream.

        Raises:
            RunnerLost: the engine broke off.

        """
        ...


class Asked(Protocol):
    """One request, translated."""

    @property
    def model(self) -> str:
        """The name of the model."""
        ...

    @property
    def wish(self) -> Wish:
        """What is to be done with it."""
        ...

    def request_to(self, target: Target) -> RelayRequest:
        """Return what the engine is to do.

        Raises:
            BadRequest: the model cannot do what is asked.

        """
        ...

    def shortened(self, request: RelayRequest, error: EngineRefused) -> RelayRequest | None:
        """Return what is to be asked in place of what the engine refused, if anything."""
        ...

    def reply(self, request: RelayRequest) -> Reply:
        """Return what makes the answer."""
        ...

    def without_work(self) -> bytes:
        """Return the answer of a request that only loads or unloads."""
        ...


class Tongue(Protocol):
    """Reads the requests of one route."""

    def read(self, body: Body, aside: Aside) -> Asked:
        """Return what is asked; the rest of long strings was set ``aside``.

        Raises:
            LlamaRunnerError: it cannot be understood.

        """
        ...
