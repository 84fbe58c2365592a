from __future__ import annotations

from typing import Any

import orjson
import pytest

from llama_runner.errors import RunnerLost
from llama_runner.relay.joined_completion import CompletionJoiner
from llama_runner.wire.sse import ServerSentEvent

ABOUT = {"created": 1, "id": "chatcmpl-1", "model": "m", "object": "text_completion"}


def chunk(index: int, text: str, finish: str | None = None, **more: Any) -> bytes:
    choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
    logprobs = {"logprobs": more.pop("logprobs")} if "logprobs" in more else {}
    return orjson.dumps({"choices": [{**choice, **logprobs}], **ABOUT, **more})


def join(*data: bytes) -> dict[str, Any]:
    joiner = CompletionJoiner()
    for each in data:
        joiner.feed(ServerSentEvent(each))
    return joiner.result()


def test_the_choices_come_in_their_order_with_the_counts_of_the_first() -> None:
    whole = join(
        chunk(1, "b"),
        chunk(0, "a", logprobs={"content": [{"token": "a"}]}),
        chunk(0, "c", logprobs={"content": [{"token": "c"}]}),
        chunk(0, "", "stop", usage={"completion_tokens": 2}, timings={"predicted_n": 2}),
        chunk(1, "", "length", usage={"completion_tokens": 1}, timings={"predicted_n": 1}),
        b"[DONE]",
    )
    assert orjson.dumps(whole) == orjson.dumps(
        {
            "choices": [
                {
                    "text": "ac",
                    "index": 0,
                    "logprobs": {"content": [{"token": "a"}, {"token": "c"}]},
                    "finish_reason": "stop",
                },
                {"text": "b", "index": 1, "logprobs": None, "finish_reason": "length"},
            ],
            "created": 1,
            "model": "m",
            "object": "text_completion",
            "usage": {"completion_tokens": 2},
            "id": "chatcmpl-1",
            "timings": {"predicted_n": 2},
        }
    )


def test_half_a_completion_is_none() -> None:
    with pytest.raises(RunnerLost):
        join(chunk(0, "", "stop"), chunk(1, "half"), b"[DONE]")
