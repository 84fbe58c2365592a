"""Every error this package raises on purpose.

    LlamaRunnerError
    ├── AnswerTooLarge         it is more than is held for a client that does not stream
    ├── ConfigError            the files on disk do not describe a runnable setup
    ├── PortTaken              a listener's address is in use by another program
    ├── UnknownModel           the caller named a model the catalog does not hold
    │   └── AmbiguousName      … or a name that fits several (catalog/catalog.py)
    ├── BadRequest             the caller's request cannot be understood or allowed
    ├── CapacityError          the model cannot be placed, now or ever
    │   ├── ModelTooLarge      it would not fit an empty machine
    │   ├── NoRoom             other programs and pinned models hold the memory it needs
    │   └── QueueFull          admission is refused; try again later
    ├── EngineRefused          llama-server would not do what the request asks
    ├── FramingError           bytes are not the message they claim to be (wire/framing.py)
    ├── NotReached             the program that serves did not answer (commands/asking.py)
    ├── PullFailed             a model could not be fetched
    │   ├── NoSuchModel        … its source does not have it (store/remote_model.py)
    │   └── SourceRefused      … or would not give it (store/web.py)
    ├── Refused                … or would not do what it was asked to (commands/asking.py)
    ├── RunnerError            a llama-server child let us down
    │   ├── StartFailed        it exited, or stayed unready, before serving
    │   ├── OutOfMemory        it did so for want of memory, whatever was tried
    │   ├── CircuitOpen        it did so so often in a row that nothing is tried for a while
    │   └── RunnerLost         it exited while lent, or broke off its answer
    ├── StoreFailed            what was fetched or made here cannot be changed
    └── ShuttingDown           the application no longer admits work

Facades translate these into their dialect's status codes, once, in
``facades/*/errors.py``. Anything else that escapes is a bug and is
allowed to bring the nursery tree down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 12
"""Model names that fit an error message."""


def shortened(text: str, most: int = 80) -> str:
    """Return what somebody sent, cut so that it can be shown in a message."""
    return text if len(text) <= most else f"{text[:most]}…"


class LlamaRunnerError(Exception):
    """Base of the errors above; never raised itself."""


class AnswerTooLarge(LlamaRunnerError):
    """The engine's answer is larger than what is held of one; asking again cannot help."""


class ConfigError(LlamaRunnerError):
    """The configuration is unusable.

    ``problems`` holds one line per fault, so the user can mend the file in
    a single edit instead of one fault per restart.
    """

    def __init__(self, source: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"{source}: " + "; ".join(problems))
        self.source = source
        self.problems = problems


class PortTaken(LlamaRunnerError):
    """A listener cannot have the address it was given."""


class UnknownModel(LlamaRunnerError):
    """The catalog holds no model of this name."""

    def __init__(self, name: str, known: tuple[str, ...] = ()) -> None:
        listed = ", ".join(known[:_SHOWN]) if known else "none"
        if len(known) > _SHOWN:
            listed += f" and {len(known) - _SHOWN} more"
        super().__init__(f"no model is called {shortened(name)!r}; the models here are: {listed}")
        self.name = name
        self.known = known


class BadRequest(LlamaRunnerError):
    """The request cannot be understood or allowed.

    ``param`` names the offending field where there is one, ``code`` is a
    machine-readable cause in OpenAI's spelling, ``status`` the HTTP status.
    """

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.status = status


class CapacityError(LlamaRunnerError):
    """The model cannot be placed.

    ``retry_after`` is in how many seconds it may be, as far as that is known.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelTooLarge(CapacityError):
    """The model would not fit an empty machine; waiting cannot help."""


class NoRoom(CapacityError):
    """Other programs and pinned models hold the memory that the model needs."""


class QueueFull(CapacityError):
    """Too many requests wait already; trying again later can help."""


class EngineRefused(LlamaRunnerError):
    """llama-server answered a request, or ended its stream, with an error.

    ``status`` is its HTTP status, ``kind`` its own name for the error, such as
    ``exceed_context_size_error``; ``details`` holds what else it said.
    """

    def __init__(
        self, message: str, *, status: int, kind: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.details = dict(details or {})


class StoreFailed(LlamaRunnerError):
    """What was fetched or made here cannot be changed; the text says why."""


class PullFailed(LlamaRunnerError):
    """A model could not be fetched; what has come of it stays, for the next try."""


class RunnerError(LlamaRunnerError):
    """A llama-server child let us down."""


class StartFailed(RunnerError):
    """The child exited, or stayed unready, before it could serve."""


class OutOfMemory(RunnerError):
    """The child found too little memory, whatever was tried."""


class CircuitOpen(RunnerError):
    """Starts have failed so often in a row that none is tried for ``retry_after`` seconds."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RunnerLost(RunnerError):
    """The child exited while lent, or broke off its answer."""


class ShuttingDown(LlamaRunnerError):
    """The application no longer admits work."""
