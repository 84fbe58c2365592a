from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from llama_runner.relay.dialect import Waiting
from llama_runner.relay.progress_filter import ProgressFilter
from tests.support.cuts import anywhere, cut


def event(value: Any, end: bytes = b"\n\n") -> bytes:
    return b"data: " + orjson.dumps(value) + end


def progress(index: int, processed: int, total: int = 100) -> bytes:
    told = {"total": total, "cache": 0, "processed": processed, "time_ms": 3}
    return event({"choices": [{"index": index, "delta": {}}], "prompt_progress": told})


def token(index: int, text: str) -> bytes:
    return event({"choices": [{"index": index, "delta": {"content": text}}]})


DONE = b"data: [DONE]\n\n"


def test_an_end_behind_nothing_is_left_out() -> None:
    for before in (b"", progress(0, 64), event(None), event({"choices": []})):
        passed = ProgressFilter(1, keep=False).feed(before + DONE)
        assert DONE not in passed


@pytest.mark.parametrize("before", [token(0, "a"), event({"error": {"code": 500}})])
def test_an_end_behind_something_is_passed_on(before: bytes) -> None:
    assert ProgressFilter(2, keep=False).feed(before + DONE) == before + DONE


QUOTED = 'say "prompt_progress":{}\n\n'
MIXED = [
    progress(0, 0),
    b": a comment\n\n",
    progress(0, 64),
    token(0, "a"),
    event(None),
    progress(1, 100),
    token(0, QUOTED),
    token(1, "b"),
    token(0, "c"),
    DONE,
]
KEPT = b"".join(MIXED[place] for place in (1, 3, 6, 7, 8, 9))


def passed(stream: list[bytes], choices: int, *, keep: bool = False) -> bytes:
    codec = ProgressFilter(choices, keep=keep)
    return b"".join(codec.feed(chunk) for chunk in stream)


@given(anywhere(len(b"".join(MIXED))))
def test_what_is_passed_on_does_not_depend_on_where_the_bytes_are_cut(cuts: set[int]) -> None:
    assert passed(cut(b"".join(MIXED), cuts), 2) == KEPT


def test_progress_of_a_late_choice_is_dropped_though_another_is_being_told() -> None:
    codec = ProgressFilter(2, keep=False)
    codec.feed(token(0, "a"))
    assert not codec.done
    assert codec.feed(progress(1, 100)) == b""
    codec.feed(token(1, "b"))
    assert codec.done


def test_once_all_choices_have_begun_even_half_an_event_is_passed_on() -> None:
    codec = ProgressFilter(1, keep=False)
    assert codec.feed(progress(0, 0) + token(0, "a") + b"data: hal") == token(0, "a") + b"data: hal"
    assert codec.done
    assert codec.feed(b"f") == b"f"


def test_only_whole_events_are_passed_on_before() -> None:
    codec = ProgressFilter(1, keep=False)
    assert codec.feed(b"data: hal") == b""


def test_a_client_that_asked_for_progress_gets_it() -> None:
    stream = [progress(0, 0), progress(0, 100), token(0, "a")]
    assert passed(stream, 1, keep=True) == b"".join(stream)


def test_the_role_that_progress_repeats_is_kept_once() -> None:
    role = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]}
    stream = [event({**role, "prompt_progress": {"total": 1, "processed": 1}}), event(role)]
    assert passed(stream, 1) == event(role)


@pytest.mark.parametrize("keep", [True, False])
def test_progress_is_told(keep: bool) -> None:
    codec = ProgressFilter(1, keep=keep)
    assert codec.waiting == Waiting()
    codec.feed(progress(0, 64, 200))
    assert codec.waiting == Waiting(processed=64, total=200)


def test_an_error_before_the_first_token_is_passed_on() -> None:
    error = event({"error": {"code": 500, "message": "no"}})
    assert passed([progress(0, 0), error], 1) == error


def test_lines_that_end_in_carriage_returns_are_understood() -> None:
    stream = (progress(0, 0) + token(0, "a")).replace(b"\n\n", b"\r\n\r\n")
    assert passed([stream], 1) == token(0, "a").replace(b"\n\n", b"\r\n\r\n")


def test_what_never_becomes_an_event_is_not_held_for_ever() -> None:
    codec = ProgressFilter(1, keep=False)
    piece = b"x" * 65536
    out = b"".join(codec.feed(piece) for _ in range(20))
    assert codec.done
    assert out == piece * 20


@given(st.lists(st.binary() | st.sampled_from(MIXED), max_size=12), st.integers(1, 3))
def test_no_bytes_raise_and_none_are_invented(chunks: list[bytes], choices: int) -> None:
    assert len(passed(chunks, choices)) <= len(b"".join(chunks))
