from __future__ import annotations

from typing import Any

import orjson
import pytest

from llama_runner.relay.joined_chat import ChatJoiner
from llama_runner.relay.joined_completion import CompletionJoiner
from llama_runner.relay.joining import joiner_for
from llama_runner.relay.relay_request import RelayRequest, Task, read_relay_request


def chat(**fields: Any) -> RelayRequest:
    return read_relay_request(Task.CHAT, orjson.dumps({"model": "m", "messages": [], **fields}))


def test_each_task_has_its_joiner() -> None:
    completion = read_relay_request(Task.COMPLETION, b'{"model":"m","prompt":"a"}')
    assert isinstance(joiner_for(chat()), ChatJoiner)
    assert isinstance(joiner_for(completion), CompletionJoiner)
    assert completion.goes_up_as_stream


@pytest.mark.parametrize(
    ("fields", "joinable"),
    [
        ({}, True),
        ({"logprobs": True}, True),
        ({"tools": [{}]}, True),
        ({"tools": [], "logprobs": True}, True),
        ({"tools": [{}], "logprobs": False}, True),
        ({"tools": [{}], "logprobs": True}, False),
    ],
)
def test_log_probabilities_with_tools_are_not_streamed(
    fields: dict[str, Any], joinable: bool
) -> None:
    assert chat(**fields).goes_up_as_stream is joinable
