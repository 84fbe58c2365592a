from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from attrs import field, frozen

from llama_runner.config.constraint import Text, WholeNumber
from llama_runner.config.converter import expected_form, make_converter
from llama_runner.config.problem import Refused

CONVERTER = make_converter()
Digit = Annotated[int, WholeNumber(0, 9)]


@frozen
class Part:
    number: Digit
    flag: bool = False


@frozen
class Whole:
    name: str = ""
    ratio: float = 0.0
    count: int = 0
    maybe: Digit | None = None
    first: Part = Part(1)
    second: Part = Part(2, flag=True)
    digits: tuple[Digit, ...] = ()
    by_name: Mapping[str, Digit] = field(factory=dict)
    parts: tuple[Part, ...] = ()
    extra: Part | None = None


@frozen
class Guarded:
    word: Annotated[str, Text("a word", "[a-z]+", secret=True)] = "x"


@frozen
class Holder:
    guarded: tuple[Guarded, ...] = ()


def problems(document: Any, wanted: type[Any] = Whole) -> list[str]:
    with pytest.raises(Refused) as caught:
        CONVERTER.structure(document, wanted)
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_object_means_the_defaults() -> None:
    assert CONVERTER.structure({}, Whole) == Whole()


def test_a_part_that_is_given_in_part_keeps_the_rest_of_its_own_default() -> None:
    whole = CONVERTER.structure({"first": {"flag": True}, "second": {"number": 7}}, Whole)
    assert whole.first == Part(1, flag=True)
    assert whole.second == Part(7, flag=True)


def test_every_form_is_read() -> None:
    document = {
        "name": "n",
        "ratio": 2,
        "count": 3.0,
        "maybe": None,
        "digits": [1, 2],
        "by_name": {"a": 4},
        "parts": [{"number": 5}],
    }
    whole = CONVERTER.structure(document, Whole)
    assert whole == Whole("n", 2.0, 3, None, digits=(1, 2), by_name={"a": 4}, parts=(Part(5),))
    assert type(whole.ratio) is float
    assert type(whole.count) is int
    assert CONVERTER.structure({"maybe": 3}, Whole).maybe == 3


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"count": "5"}, 'count: expected an integer, got "5"'),
        ({"count": 3.9}, "count: expected an integer, got 3.9"),
        ({"count": True}, "count: expected an integer, got true"),
        ({"ratio": "1"}, 'ratio: expected a number, got "1"'),
        ({"ratio": False}, "ratio: expected a number, got false"),
        ({"name": None}, "name: expected a string, got null"),
        ({"maybe": 10}, "maybe: expected an integer from 0 to 9 or null, got 10"),
        ({"first": {"flag": 1}}, "first.flag: expected true or false, got 1"),
        ({"first": []}, "first: expected an object, got a list"),
        ({"digits": 1}, "digits: expected a list, got 1"),
        ({"digits": {"0": 1}}, "digits: expected a list, got an object"),
        ({"digits": [1, 10]}, "digits[1]: expected an integer from 0 to 9, got 10"),
        ({"by_name": []}, "by_name: expected an object, got a list"),
        ({"by_name": {"x": -1}}, "by_name.x: expected an integer from 0 to 9, got -1"),
        ({"parts": [{}]}, "parts[0].number: expected an integer from 0 to 9, but it is missing"),
        ({"extra": {"number": "1"}}, 'extra.number: expected an integer from 0 to 9, got "1"'),
        ({"extra": []}, "extra: expected an object or null, got a list"),
        ({"Digits": []}, 'Digits: unknown key; did you mean "digits"?'),
        ([], "expected an object, got a list"),
    ],
)
def test_nothing_is_bent(document: Any, problem: str) -> None:
    assert problems(document) == [problem]


def test_an_unknown_key_like_no_other_is_answered_with_the_known_ones() -> None:
    (problem,) = problems({"first": {"zzz": 1}})
    assert problem == 'first.zzz: unknown key; the keys here are "number", "flag"'


def test_all_problems_come_at_once() -> None:
    document = {"nam": 1, "count": "x", "first": {"number": -1, "flg": 1}, "digits": [10, 1, "y"]}
    assert len(problems(document)) == 6


def test_what_may_hold_a_secret_is_not_repeated_at_any_level() -> None:
    for document in (
        {"guarded": "HUNTER2"},
        {"guarded": ["HUNTER2"]},
        {"guarded": [{"word": "HUNTER2"}]},
    ):
        (problem,) = problems(document, Holder)
        assert "HUNTER2" not in problem
        assert "got a string of length 7" in problem


def test_types_are_said_in_words() -> None:
    assert expected_form(bool) == "true or false"
    assert expected_form(int | None) == "an integer or null"
    assert expected_form(Part) == "an object"
