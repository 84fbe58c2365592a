"""What one finished request was like."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from llama_runner.events.usage import Usage


class Outcome(Enum):
    """How a request ended; every request ends in exactly one of these."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


@frozen(kw_only=True)
class Exchange:
    """One finished request. Times are seconds since it was read; ``None``: never came to it.

    ``closed_after`` is how long after the client's leaving the connection to
    the engine was closed.
    """

    number: int
    model: str
    route: str
    streamed: bool
    outcome: Outcome
    error: str | None
    granted: float | None
    first_byte: float | None
    total: float
    usage: Usage | None
    closed_after: float | None = None
