"""How a stream ends that was not broken off."""

from __future__ import annotations

from llama_runner.wire.sse import read_data

_DONE, _ERROR = b"[DONE]", b'{"error"'
_USUAL = b"\n\ndata: [DONE]\n\n"


def is_ended(tail: bytes) -> bool:
    """Tell whether the last event of a stream is one behind which nothing is missing.

    That is ``[DONE]``, or the engine's own error, behind which it says no more.
    """
    if tail.endswith(_USUAL):
        return True
    last = tail.replace(b"\r\n", b"\n").rstrip(b"\n").rpartition(b"\n\n")[2]
    data = read_data(last)
    return data is not None and (data == _DONE or data.startswith(_ERROR))
