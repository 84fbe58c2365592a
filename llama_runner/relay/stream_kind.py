"""How a stream of one API looks before its first byte."""

from __future__ import annotations

from attrs import frozen


@frozen
class StreamKind:
    """The head of a stream, and for how long it is held back at least.

    Once it is sent, a failure can only be told within the stream. For ``quiet`` seconds
    no heartbeat sends it, so that what fails until then is told by its status.
    """

    content_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    quiet: float = 0.0


EVENT_STREAM = StreamKind(
    "text/event-stream", ((b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))
)
