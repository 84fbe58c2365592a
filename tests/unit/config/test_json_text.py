from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.config.json_text import UnreadableParts, parse_document
from llama_runner.config.problem import Refused

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def problems(content: bytes | str) -> list[str]:
    with pytest.raises(Refused) as caught:
        parse_document(content if isinstance(content, bytes) else content.encode())
    return [str(problem) for problem in caught.value.problems]


@given(JSON, st.booleans())
def test_what_json_writes_is_read_back(document: Any, marked: bool) -> None:
    content = json.dumps(document, ensure_ascii=False).encode()
    assert parse_document(b"\xef\xbb\xbf" * marked + content) == document


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    try:
        parse_document(content)
    except Refused as refusal:
        assert refusal.problems
        assert all(str(problem).encode() for problem in refusal.problems)


@given(JSON, st.data())
def test_a_cut_file_is_never_anything_but_refused_or_read(document: Any, data: Any) -> None:
    content = json.dumps({"a": document}).encode()
    cut = data.draw(st.integers(0, len(content) - 1))
    (problem,) = problems(content[:cut])
    assert problem.startswith("line 1, column ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1, column 1: the file is empty; expected at least {}"),
        (" \n", "line 2, column 1: the file is empty; expected at least {}"),
        ('{"a": 1,}', "line 1, column 9: a comma before the closing bracket; take it out"),
        ('{"a": [1,\n]}', "line 2, column 1: a comma before the closing bracket; take it out"),
        ("{\n  // hi\n}", "line 2, column 3: JSON has no comments; take it out"),
        ('{"a": 1 # hi\n}', "line 1, column 9: JSON has no comments; take it out"),
        ("{'a': 1}", 'line 1, column 2: expected double quotes ("), got a single one'),
        ('{"a" 1}', "line 1, column 6: expected a colon after the key, got 1"),
        ('{"a": 1 "b": 2}', 'line 1, column 9: expected a comma or a closing bracket, got "b"'),
        ('{"a": tru}', "line 1, column 7: expected a value, got tru"),
        ('{"a": True}', "line 1, column 7: expected a value, got True"),
        ("{} x", "line 1, column 4: expected the end of the file, got x"),
        (
            '{"a": "b\n"}',
            "line 1, column 9: a string goes on over the end of its line; "
            "is its closing quote missing?",
        ),
        (
            r'{"path": "F:\llm"}',
            "line 1, column 13: a lone backslash; "
            'in JSON each backslash is written twice: "F:\\\\llm"',
        ),
        (
            '{"a": 1',
            "line 1, column 8: the file ends too early; is a closing bracket or quote missing?",
        ),
    ],
)
def test_syntax_errors_have_line_and_column_and_name_the_usual_mistakes(
    text: str, problem: str
) -> None:
    (said,) = problems(text)
    assert said == problem


def test_a_byte_order_mark_does_not_shift_the_columns() -> None:
    (said,) = problems("\ufeff{x")
    assert said.startswith("line 1, column 2: ")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_named(encoding: str) -> None:
    (said,) = problems("\ufeff{}".encode(encoding))
    assert said == f"expected UTF-8, got {encoding[:6].upper()}; save the file as UTF-8"


def test_a_stray_byte_is_found_by_line_and_column() -> None:
    (said,) = problems('{\n "ü": "é"}'.encode() + b"\xe9")
    assert said == "line 2, column 11: expected UTF-8, got the byte 0xE9; save the file as UTF-8"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_none_are_refused_where_they_stand(number: str) -> None:
    assert problems(f'{{"a": [1, {number}]}}') == [
        f"a[1]: expected an ordinary number, got {number}"
    ]


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    (said,) = problems('{"a": ' + "9" * 5000 + "}")
    assert said == "a: expected an ordinary number, got 99999999999999999999…"


def test_a_very_small_number_is_zero() -> None:
    assert parse_document(b"1e-999") == 0.0
    assert math.isfinite(parse_document(b"1e308"))


def test_keys_that_are_there_twice_are_named_with_their_path_once() -> None:
    text = '{"a": {"b": 1, "b": 2, "b": 3, "c": 0}, "l": [{"x": 1, "x": 1}], "a": {"d": 1, "d": 2}}'
    assert problems(text) == [
        "a: this key is there twice; keep one",
        "a.d: this key is there twice; keep one",
        "l[0].x: this key is there twice; keep one",
    ]


def test_half_of_a_surrogate_pair_is_refused_in_keys_and_values() -> None:
    assert len(problems(r'{"a": "\ud800", "\udc00": 1}')) == 2
    assert parse_document(rb'"\ud83d\ude00"') == "\U0001f600"


def test_what_is_nested_without_end_is_refused() -> None:
    assert problems("[" * 100_000) == ["lists and objects are nested too deeply"]


def test_a_document_with_unreadable_parts_can_be_looked_at_further() -> None:
    with pytest.raises(UnreadableParts) as caught:
        parse_document(b'{"a": NaN, "b": 5}')
    assert caught.value.document["b"] == 5
