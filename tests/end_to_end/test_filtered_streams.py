"""Holds the progress filter against the stream that the engine gives without progress."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from llama_runner.relay.progress_filter import ProgressFilter
from llama_runner.relay.relay_request import RelayRequest, Task, read_relay_request
from llama_runner.relay.usage import usage_of_tail
from llama_runner.wire.sse import SSEDecoder
from tests.support.engine import Answers

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LONG = "word " * 150
MESSAGES = [{"role": "user", "content": LONG}]
CASES: dict[str, tuple[Task, dict[str, Any]]] = {
    "a chat": (Task.CHAT, {"messages": MESSAGES}),
    "two choices": (Task.CHAT, {"messages": MESSAGES, "n": 2}),
    "usage at the end": (
        Task.CHAT,
        {"messages": MESSAGES, "stream_options": {"include_usage": True}},
    ),
    "a first token that is no whole character": (
        Task.CHAT,
        {"messages": MESSAGES, "grammar": 'root ::= "😀" "é"'},
    ),
    "a completion": (Task.COMPLETION, {"prompt": LONG}),
    "a short prompt after a long one": (Task.COMPLETION, {"prompt": [LONG, "Two"]}),
    "more prompts than slots": (Task.COMPLETION, {"prompt": ["Two", LONG, "Three"], "n": 1}),
    "two choices of one prompt": (Task.COMPLETION, {"prompt": LONG, "n": 2}),
}


def asked(task: Task, fields: dict[str, Any]) -> RelayRequest:
    body = {"model": "chat", "stream": True, "seed": 1, "cache_prompt": False, "max_tokens": 3}
    talk = {"chat_template_kwargs": {"enable_thinking": False}}
    return read_relay_request(task, orjson.dumps({**body, **talk, **fields}))


def told(stream: bytes) -> dict[int, list[Any]]:
    """Return what a stream tells of each choice; choices may take turns otherwise each time."""
    choices: dict[int, list[Any]] = {}
    current = -1
    for event in SSEDecoder().feed(stream):
        if event.data == b"[DONE]":
            choices[-1] = ["done"]
            continue
        chunk = orjson.loads(event.data)
        if chunk is None:
            # Without progress the engine says null where a choice begins to be read.
            continue
        for choice in chunk["choices"]:
            current = choice["index"]
        # An answer's times differ, and counts of what only the last event tells do not.
        timings = chunk.pop("timings", {}).get("predicted_n")
        known = [chunk.get("choices"), chunk.get("usage"), chunk.get("prompt_progress"), timings]
        choices.setdefault(current, []).append(known)
    return choices


@pytest.mark.parametrize(("task", "fields"), CASES.values(), ids=CASES)
def test_a_filtered_stream_is_the_one_without_progress(
    answers: Answers, task: Task, fields: dict[str, Any]
) -> None:
    request = asked(task, fields)
    plain = answers.streamed(task.value, dict(request.fields)).content
    full = answers.streamed(task.value, orjson.loads(request.upstream_body("chat", {}))).content
    progress = ProgressFilter(request.choices, keep=False)
    filtered = b"".join(progress.feed(full[at : at + 100]) for at in range(0, len(full), 100))
    assert b"prompt_progress" in full
    assert told(filtered) == told(plain)
    assert progress.done
    assert progress.waiting.total
    assert progress.waiting.processed == progress.waiting.total


def test_a_client_that_asked_for_progress_gets_every_byte(answers: Answers) -> None:
    request = asked(Task.CHAT, {"messages": MESSAGES, "return_progress": True})
    full = answers.streamed(request.task.value, dict(request.fields)).content
    progress = ProgressFilter(request.choices, keep=request.wants_progress)
    assert progress.feed(full) == full


def test_the_end_of_a_stream_tells_what_it_took(answers: Answers) -> None:
    request = asked(Task.COMPLETION, {"prompt": LONG})
    stream = answers.streamed(request.task.value, dict(request.fields)).content
    usage = usage_of_tail(stream[-4096:])
    assert usage is not None
    assert (usage.cached_tokens, usage.completion_tokens) == (0, 3)
    assert usage.prompt_tokens > 150
    assert usage.prompt_ms > 0
