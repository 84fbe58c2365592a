"""What a facade says in its own words, as the relay needs it."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from llama_runner.errors import LlamaRunnerError
from llama_runner.relay.stream_kind import StreamKind


@frozen
class Waiting:
    """What a client that still waits may be told.

    ``ahead`` requests are served first; ``loaded`` (0 to 1) tells how far the
    model's load is; ``processed`` of ``total`` prompt tokens have been read. The wait for
    the model is likely to take ``seconds`` more, and an unknown time beside them if it is
    ``open``: it then hangs on answers that run.
    """

    ahead: int | None = None
    loaded: float | None = None
    processed: int | None = None
    total: int | None = None
    seconds: float | None = None
    open: bool = False


@frozen
class ErrorAnswer:
    """An error as one whole answer."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Dialect(Protocol):
    """How one API words what is not the engine's own answer."""

    @property
    def stream(self) -> StreamKind:
        """What its streams are."""
        ...

    def error(self, error: LlamaRunnerError) -> ErrorAnswer:
        """Return the answer for a request that failed before its answer began."""
        ...

    def last_event(self, error: LlamaRunnerError) -> bytes:
        """Return what ends a stream that fails after it began, terminator included."""
        ...

    def heartbeat(self, waiting: Waiting) -> bytes:
        """Return bytes that keep a streaming client connected and mean nothing to it."""
        ...
