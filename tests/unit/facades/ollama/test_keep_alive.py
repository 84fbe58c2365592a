from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.keep_alive import duration, keep_alive_of
from llama_runner.facades.ollama.timestamps import FOREVER


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *((None, None), (0, 0), (1.5, 1.5), (1800, 1800), (-1, FOREVER), (-0.5, FOREVER)),
        *(("0", 0), ("0s", 0), ("-0", 0), ("5m", 300), ("1.5h", 5400), ("2h45m", 9900)),
        *(("300ms", 0.3), (".5s", 0.5), ("5.s", 5), ("+5s", 5), ("-1m", FOREVER), ("1us", 1e-6)),
        *(("1\u00b5s", 1e-6), ("1\u03bcs", 1e-6), (1e300, FOREVER), ("9999999999h", FOREVER)),
    ],
)
def test_a_stay_is_read_as_ollama_reads_it(value: Any, seconds: float | None) -> None:
    assert keep_alive_of(value) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("5", 'time: missing unit in duration "5"'),
        ("-1", 'time: missing unit in duration "-1"'),
        ("5 minutes", 'time: unknown unit " minutes" in duration "5 minutes"'),
        ("5d", 'time: unknown unit "d" in duration "5d"'),
        ("forever", 'time: invalid duration "forever"'),
        ("1m!", 'time: unknown unit "m!" in duration "1m!"'),
        ("-", 'time: invalid duration "-"'),
        (True, "Unsupported type: 'bool'"),
        ([], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
    ],
)
def test_what_is_no_stay_is_refused(value: Any, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        keep_alive_of(value)
    assert str(refused.value) == message


@given(st.text(max_size=12) | st.text(alphabet="0123456789.hmsun-+", max_size=12))
def test_any_text_is_seconds_or_refused(text: str) -> None:
    try:
        assert 0 <= (keep_alive_of(text) or 0) <= FOREVER
    except BadRequest as refused:
        assert str(refused).startswith("time: ")


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_pieces_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert duration(f"{hours}h{minutes}m{seconds}s") == 3600 * hours + 60 * minutes + seconds
