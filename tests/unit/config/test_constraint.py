from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama_runner.config.constraint import (
    AnyJson,
    Constraint,
    Number,
    OneOf,
    Text,
    WholeNumber,
    mismatch,
    shown,
)


@pytest.mark.parametrize("value", [0, 10, 5, 5.0])
def test_whole_number_accepts_integers_within_its_bounds(value: float) -> None:
    assert WholeNumber(0, 10).objection(value) is None


@pytest.mark.parametrize("value", [-1, 11, 3.9, "5", True, False, None, [], {}, float("nan")])
def test_whole_number_bends_nothing(value: Any) -> None:
    objection = WholeNumber(0, 10).objection(value)
    assert objection is not None
    assert objection.startswith("expected an integer from 0 to 10, got ")


def test_number_says_whether_its_lower_bound_is_included() -> None:
    assert Number(above=0, maximum=9).expected == "a number above 0, up to 9"
    assert Number(minimum=0, maximum=9).expected == "a number from 0 to 9"
    assert Number(above=0, maximum=9).objection(0) == "expected a number above 0, up to 9, got 0"
    assert Number(minimum=0, maximum=9).objection(0) is None
    assert Number(minimum=0, maximum=9).objection(9.5) is not None
    assert Number(minimum=0, maximum=9).objection(-0.5) is not None


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), -float("inf")])
def test_number_refuses_what_cannot_be_counted_with(value: Any) -> None:
    assert Number(minimum=0, maximum=9).objection(value) is not None


def test_text_must_match_as_a_whole() -> None:
    word = Text("a word", "[a-z]+|[0-9]+")
    assert word.objection("abc") is None
    assert word.objection("12") is None
    for wrong in ("abc1", "1abc", "", "abc\n", "\nabc", 5, None):
        assert word.objection(wrong) is not None, wrong


def test_a_secret_is_never_repeated() -> None:
    key = Text("a key", "[a-z]{8}", secret=True)
    assert key.objection("hunter2") == "expected a key, got a string of length 7"
    assert key.objection(1234567) == "expected a key, got a number"
    assert key.objection(None) == "expected a key, got null"


def test_one_of_lists_its_choices() -> None:
    assert OneOf(("a", "b")).objection("c") == 'expected one of "a", "b", got "c"'
    assert OneOf(("a", "b")).objection("a") is None
    assert OneOf(("a", "b")).objection(["a"]) is not None


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_any_json_accepts_everything(value: Any) -> None:
    assert AnyJson().objection(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3.9, "3.9"),
        ("Grüße", '"Grüße"'),
        ({}, "an object"),
        ([1], "a list"),
        ("x" * 100, '"' + "x" * 58 + "…"),
    ],
)
def test_values_are_shown_as_json_and_short(value: Any, text: str) -> None:
    assert shown(value) == text
    assert mismatch("peace", value) == f"expected peace, got {text}"


@pytest.mark.parametrize(
    "constraint",
    [WholeNumber(0, 1), Number(maximum=1), Text("x", "x"), OneOf(("a",)), AnyJson()],
)
def test_each_form_is_a_constraint(constraint: Constraint) -> None:
    assert isinstance(constraint, Constraint)
    assert constraint.expected
    assert not constraint.secret
