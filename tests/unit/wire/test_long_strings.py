"""Long strings set aside: every text means the same without them, and comes back whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import example, given, strategies as st

from llama_runner.wire.body import Body
from llama_runner.wire.long_strings import BrokenString, Parted, TooMuch, part, restored

STEP = 100
MUCH = 1 << 30

_CHARACTERS = st.characters(codec="utf-8")
_TEXTS = st.text(_CHARACTERS) | st.builds(
    lambda text, times: text * times,
    st.text(_CHARACTERS, min_size=1, max_size=9),
    st.integers(1, 99),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=8,
)


def _part(text: Body, most: int = MUCH) -> Parted:
    steps = part(text, most, STEP)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            parted: Parted = end.value
            return parted


def _read(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


@given(_VALUES)
def test_what_was_set_aside_comes_back(value: Any) -> None:
    text = orjson.dumps(value)
    parted = _part(text)
    assert b"".join(restored(bytes(parted.text), parted.aside)) == text
    written = orjson.dumps(orjson.loads(parted.text))
    assert orjson.loads(b"".join(restored(written, parted.aside))) == value


@given(_VALUES, st.data())
def test_a_text_is_no_json_without_its_strings_if_it_was_none(
    value: Any, data: st.DataObject
) -> None:
    text = bytearray(orjson.dumps(value))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        parted = _part(text)
    except BrokenString:
        assert _read(bytes(text)) is None
        return
    left = _read(bytes(parted.text))
    assert (left is None) == (_read(bytes(text)) is None)


@pytest.mark.parametrize(
    "inside",
    [
        b"\x01",
        b"\n",
        b"\\q",
        b"\\u12",
        b"\\ud800",
        b"\\udc00",
        b"\\ud800\\ud800",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
    ],
)
@pytest.mark.parametrize("before", [0, STEP - 1, 5 * STEP])
def test_what_no_string_may_hold_is_found(inside: bytes, before: int) -> None:
    text = b'["%b%b%b"]' % (b"x" * before, inside, b"y" * 3 * STEP)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)
    with pytest.raises(BrokenString) as raised:
        _part(text)
    assert raised.match(r"byte \d+ neither belongs to a string nor ends it")


@pytest.mark.parametrize("end", [b"", b"\\", b'\\"'])
def test_a_string_without_an_end_is_none(end: bytes) -> None:
    with pytest.raises(BrokenString):
        _part(b'["' + b"x" * 3 * STEP + end)


@given(st.integers(0, 2 * STEP))
@example(0)
def test_an_escape_may_be_anywhere(before: int) -> None:
    value = "x" * before + '\U0001f999\n\\"' * STEP
    for text in (orjson.dumps(value), b'"%b"' % (b"x" * before + rb"\ud83e\udd99\n\\\"" * STEP)):
        parted = _part(text)
        assert len(parted.text) < 3 * STEP
        assert orjson.loads(b"".join(restored(bytes(parted.text), parted.aside))) == value


def test_its_beginning_tells_what_a_string_is() -> None:
    text = orjson.dumps({"url": "data:image/png;base64," + "A" * 9 * STEP})
    parted = _part(text)
    assert orjson.loads(parted.text)["url"].startswith("data:image/png;base64,AAAA")
    assert len(parted.text) < 2 * STEP


def test_equal_strings_have_one_placeholder() -> None:
    long, other = "A" * 9 * STEP, "A" * 9 * STEP + "B"
    parted = _part(orjson.dumps([long, other, long]))
    first, second, third = orjson.loads(parted.text)
    assert first == third != second
    assert len(parted.aside) == 2


def test_no_step_looks_at_more_than_it_may() -> None:
    text = orjson.dumps(["short", "long" * 10 * STEP, 7])
    assert sum(1 for _ in part(text, MUCH, STEP)) >= len(text) / STEP


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_too_much_without_long_strings_is_refused(kind: Callable[[bytes], Body]) -> None:
    text = kind(orjson.dumps(["x" * 30] * 100))
    with pytest.raises(TooMuch):
        _part(text, most=len(text) - 1)
    assert _part(text, most=len(text)).text == text
