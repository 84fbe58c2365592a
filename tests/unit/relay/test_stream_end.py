from __future__ import annotations

import pytest

from llama_runner.relay.stream_end import is_ended


@pytest.mark.parametrize(
    ("tail", "ended"),
    [
        (b"data: [DONE]\n\n", True),
        (b"data: {}\n\ndata: [DONE]\n\n", True),
        (b"ut in two}\n\ndata:[DONE]\r\n\r\n", True),
        (b'data: {"error":{"message":"no","code":500}}\n\n', True),
        (b'data: {}\n\nevent: error\ndata: {"error": {}}\n\n', True),
        (b"", False),
        (b"\n\n", False),
        (b": [DONE]\n\n", False),
        (b"data: {}\n\n", False),
        (b"data: [DONE]\n\ndata: {}\n\n", False),
        (b"data: [DONE]x\n\n", False),
        (b'data: {"text":"{\\"error\\""}\n\n', False),
        (b"event: error\ndata: {}\n\n", False),
        (b"<html>[DONE]", False),
    ],
)
def test_a_stream_is_over_with_its_last_event_only(tail: bytes, ended: bool) -> None:
    assert is_ended(tail) is ended
