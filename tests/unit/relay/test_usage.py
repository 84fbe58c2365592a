from __future__ import annotations

import orjson
import pytest
from hypothesis import given, strategies as st

from llama_runner.events.usage import Usage
from llama_runner.relay.usage import usage_of_answer, usage_of_tail

TIMINGS = {
    "cache_n": 5,
    "prompt_n": 16,
    "prompt_ms": 120.5,
    "prompt_per_second": 132.7,
    "predicted_n": 4,
    "predicted_ms": 75.25,
}
USAGE = {
    "completion_tokens": 4,
    "prompt_tokens": 21,
    "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 5},
}
WHOLE = Usage(21, 5, 4, 120.5, 75.25)


def stream(**last: object) -> bytes:
    token = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
    return token * 3 + b"data: " + orjson.dumps({"choices": [], **last}) + b"\n\ndata: [DONE]\n\n"


def test_timings_tell_everything() -> None:
    assert usage_of_tail(stream(timings=TIMINGS)) == WHOLE
    assert usage_of_tail(stream(usage=USAGE, timings=TIMINGS)) == WHOLE


def test_usage_alone_tells_the_tokens() -> None:
    assert usage_of_tail(stream(usage=USAGE)) == Usage(21, 5, 4)


@pytest.mark.parametrize("length", range(0, 900, 7))
def test_a_tail_cut_anywhere_tells_all_or_nothing_or_the_tokens(length: int) -> None:
    whole = stream(usage=USAGE, timings=TIMINGS)
    assert usage_of_tail(whole[-length:] if length else b"") in (WHOLE, None)
    assert usage_of_tail(whole[:length]) in (WHOLE, Usage(21, 5, 4), None)


def test_the_last_of_several_is_taken() -> None:
    first = stream(timings={**TIMINGS, "predicted_n": 99})
    assert usage_of_tail(first + stream(timings=TIMINGS)) == WHOLE


def test_null_is_no_usage() -> None:
    assert usage_of_tail(stream(usage=USAGE) + stream(usage=None)) == Usage(21, 5, 4)
    assert usage_of_tail(stream(usage=None)) is None


def test_what_the_model_wrote_is_not_taken_for_it() -> None:
    text = orjson.dumps({"content": '"timings":{"predicted_n":1} "usage":{"prompt_tokens":1}'})
    assert usage_of_tail(b"data: " + text + b"\n\n") is None


def test_embeddings_say_it_before_their_numbers() -> None:
    answer = {"usage": {"prompt_tokens": 3, "total_tokens": 3}, "data": [0.25] * 4096}
    assert usage_of_answer(orjson.dumps(answer)) == Usage(3, 0, 0)


def test_a_whole_answer_says_it_at_its_end() -> None:
    answer = {"choices": [{"text": "a" * 9000}], "usage": USAGE, "timings": TIMINGS}
    assert usage_of_answer(orjson.dumps(answer)) == WHOLE


@given(st.binary(), st.text(alphabet='{}[]":,0123456789eE+-.ntaINul '))
def test_no_bytes_raise(noise: bytes, text: str) -> None:
    for key in (b'"timings":', b'"usage":'):
        usage_of_answer(noise + key + text.encode() + noise)
        usage_of_answer(key + b'{"predicted_n":' + text.encode() + b"}")


def test_absurd_numbers_count_as_nothing() -> None:
    absurd = {"predicted_n": -1, "prompt_n": True, "cache_n": "2", "prompt_ms": -3}
    assert usage_of_tail(stream(timings=absurd)) == Usage(0, 0, 0)
    assert usage_of_tail(b'"timings":{"predicted_n":1,"prompt_ms":1' + b"0" * 400 + b"}") == Usage(
        0, 0, 1
    )
