"""How a stream ends that was not broken off."""

from __future__ import annotations

from llama_runner.wire.sse import read_event

_DONE, _ERROR = b"[DONE]", b'{"error"'


def is_ended(tail: bytes) -> bool:
    """Tell whether the last event of a stream is one behind which nothing is missing.

    That is ``[DONE]``, or the engine's own error, behind which it says no more.
    """
    last = tail.replace(b"\r\n", b"\n").rstrip(b"\n").rpartition(b"\n\n")[2]
    event = read_event(last)
    return event is not None and (event.data == _DONE or event.data.startswith(_ERROR))
