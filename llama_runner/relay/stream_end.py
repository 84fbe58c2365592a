"""How a stream ends that was not broken off."""

from __future__ import annotations

import re

from llama_runner.wire.sse import read_data

_DONE, _ERROR = b"[DONE]", b'{"error"'
_RESPONSE = re.compile(rb'"usage":\{"input_tokens":|"type":"response\.failed"')
_USUAL = b"\n\ndata: [DONE]\n\n"


def is_ended(tail: bytes) -> bool:
    """Tell whether the last event of a stream is one behind which nothing is missing.

    That is ``[DONE]``, the engine's own error, behind which it says no more, or the last of
    OpenAI's Responses. That has all that was said in it and so may be longer than the tail;
    what it took comes last, and cannot stand in a text, where quotes are escaped.
    """
    if tail.endswith(_USUAL):
        return True
    last = tail.replace(b"\r\n", b"\n").rstrip(b"\n").rpartition(b"\n\n")[2]
    data = read_data(last)
    if data is not None and (data == _DONE or data.startswith(_ERROR)):
        return True
    return last.endswith(b"}") and _RESPONSE.search(last) is not None
