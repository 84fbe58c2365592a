from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from llama_runner.errors import EngineRefused, RunnerLost
from llama_runner.relay.joined_chat import ChatJoiner
from llama_runner.wire.sse import ServerSentEvent, SSEDecoder
from tests.support.cuts import anywhere, cut

ABOUT = {"created": 1, "id": "chatcmpl-1", "model": "m", "object": "chat.completion.chunk"}
PROGRESS = {"total": 2, "cache": 0, "processed": 0, "time_ms": 0}


def chunk(index: int, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"finish_reason": finish, "index": index, "delta": delta, **more}
    return orjson.dumps({"choices": [choice], **ABOUT})


def last(**fields: Any) -> bytes:
    return orjson.dumps({"choices": [], **ABOUT, **fields})


def join(*data: bytes) -> dict[str, Any]:
    joiner = ChatJoiner()
    for each in data:
        joiner.feed(ServerSentEvent(each))
    return joiner.result()


def message(*deltas: dict[str, Any]) -> dict[str, Any]:
    chunks = [chunk(0, delta) for delta in deltas]
    whole = join(*chunks, chunk(0, {}, "stop"), b"[DONE]")["choices"][0]["message"]
    assert isinstance(whole, dict)
    return whole


ROLE = {"role": "assistant", "content": None}
EVENTS = [
    orjson.dumps({"choices": [{"index": 0, "delta": ROLE}], **ABOUT, "prompt_progress": PROGRESS}),
    b"null",
    chunk(0, ROLE),
    chunk(0, {"reasoning_content": "h"}),
    chunk(0, {"reasoning_content": "m"}),
    chunk(0, {"content": "né"}, logprobs={"content": [{"token": "né"}]}),
    chunk(1, ROLE),
    chunk(1, {"content": "b"}),
    chunk(0, {"content": " c"}, logprobs={"content": [{"token": " c"}]}),
    chunk(1, {}, "length"),
    last(usage={"completion_tokens": 1}, timings={"predicted_n": 1}),
    chunk(0, {}, "stop"),
    last(usage={"completion_tokens": 2}, timings={"predicted_n": 2}),
    b"[DONE]",
]
WHOLE = {
    "choices": [
        {
            "finish_reason": "stop",
            "index": 0,
            "message": {"role": "assistant", "content": "né c", "reasoning_content": "hm"},
            "logprobs": {"content": [{"token": "né"}, {"token": " c"}]},
        },
        {
            "finish_reason": "length",
            "index": 1,
            "message": {"role": "assistant", "content": "b"},
        },
    ],
    "created": 1,
    "model": "m",
    "object": "chat.completion",
    "usage": {"completion_tokens": 2},
    "id": "chatcmpl-1",
    "timings": {"predicted_n": 2},
}
STREAM = b"".join(b"data: " + data + b"\n\n" for data in EVENTS)


@given(anywhere(len(STREAM)))
def test_the_answer_does_not_depend_on_where_the_bytes_are_cut(cuts: set[int]) -> None:
    decoder, joiner = SSEDecoder(), ChatJoiner()
    for piece in cut(STREAM, cuts):
        for event in decoder.feed(piece):
            joiner.feed(event)
    assert orjson.dumps(joiner.result()) == orjson.dumps(WHOLE)


def test_parallel_calls_are_joined_each_from_its_fragments() -> None:
    first = {"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": "{"}}
    second = {"index": 1, "id": "y", "type": "function", "function": {"name": "g", "arguments": ""}}
    whole = message(
        ROLE,
        {"tool_calls": [first]},
        {"tool_calls": [second, {"index": 0, "function": {"arguments": "}"}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "[]"}}]},
    )
    assert orjson.dumps(whole) == orjson.dumps(
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"type": "function", "function": {"name": "f", "arguments": "{}"}, "id": "x"},
                {"type": "function", "function": {"name": "g", "arguments": "[]"}, "id": "y"},
            ],
        }
    )


def test_an_answer_without_text_has_empty_content() -> None:
    assert message(ROLE) == {"role": "assistant", "content": ""}
    assert message() == {"role": "assistant", "content": ""}


def test_fields_of_tomorrow_are_kept() -> None:
    whole = message(
        {"refusal": "no", "audio": {"id": "a", "data": "x"}, "notes": [1], "mood": 1},
        {"refusal": " way", "audio": {"id": "a", "data": "y"}, "notes": [2], "mood": 2},
    )
    assert whole["refusal"] == "no way"
    assert whole["audio"] == {"id": "a", "data": "xy"}
    assert whole["notes"] == [1, 2]
    assert whole["mood"] == 2


def test_fields_beside_the_choices_are_kept_but_those_of_streams() -> None:
    whole = join(
        chunk(0, {}, "stop", stop_reason=7),
        last(service_tier="free", __verbose={"prompt": "secret"}),
        b"[DONE]",
    )
    assert whole["service_tier"] == "free"
    assert "__verbose" not in whole
    assert whole["choices"][0]["stop_reason"] == 7


def test_an_error_in_the_stream_is_raised_with_its_status() -> None:
    with pytest.raises(EngineRefused, match="off the rails") as caught:
        join(
            chunk(0, ROLE),
            b'{"error":{"code":503,"message":"off the rails","type":"server_error"}}',
        )
    assert (caught.value.status, caught.value.kind) == (503, "server_error")


def test_an_event_named_error_is_one() -> None:
    with pytest.raises(EngineRefused, match="by name"):
        ChatJoiner().feed(ServerSentEvent(b'{"message":"by name"}', "error"))


@pytest.mark.parametrize(
    "events",
    [
        [],
        [b"[DONE]"],
        [chunk(0, {"content": "half"})],
        [chunk(0, {"content": "half"}), b"[DONE]"],
        [chunk(0, {}, "stop")],
        [chunk(0, {}, "stop"), chunk(1, {"content": "half"}), b"[DONE]"],
    ],
)
def test_half_an_answer_is_none(events: list[bytes]) -> None:
    with pytest.raises(RunnerLost, match="broke off"):
        join(*events)


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"3",
        b'{"choices":3}',
        b'{"choices":[3]}',
        b'{"choices":[{"index":"a"}]}',
        b'{"choices":[{"index":-1}]}',
        b'{"choices":[{"delta":{"tool_calls":[3]}}]}',
        b'{"choices":[{"delta":{"tool_calls":3}}]}',
        b'{"choices":[{"delta":{"tool_calls":[{"index":"a"}]}}]}',
    ],
)
def test_what_is_no_part_of_an_answer_is_a_broken_answer(data: bytes) -> None:
    with pytest.raises(RunnerLost):
        join(data)


NAMES = st.sampled_from(
    ["choices", "index", "delta", "content", "tool_calls", "function", "finish_reason", "logprobs"]
    + ["role", "usage", "object", "arguments", "id"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats(0, 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(
        st.builds(lambda value: orjson.dumps(value), VALUES)
        | st.builds(lambda delta: orjson.dumps({"choices": [{"delta": delta}]}), VALUES)
        | st.binary(max_size=20),
        max_size=5,
    )
)
def test_no_events_raise_anything_but_the_documented_errors(events: list[bytes]) -> None:
    try:
        orjson.dumps(join(*events, chunk(0, {}, "stop"), b"[DONE]"))
    except (EngineRefused, RunnerLost):
        pass
