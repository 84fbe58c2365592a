from __future__ import annotations

from typing import Any

import pytest

from llama_runner.relay.gathered import Gathered


def gather(*fragments: dict[str, Any]) -> dict[str, Any]:
    gathered = Gathered()
    for fragment in fragments:
        gathered.add(fragment)
    return gathered.whole()


@pytest.mark.parametrize(
    ("fragments", "whole"),
    [
        ([{"text": "a"}, {"text": "b"}, {"text": None}], {"text": "ab"}),
        ([{"list": [1]}, {"list": [2, 3]}, {"list": None}], {"list": [1, 2, 3]}),
        ([{"number": 1}, {"number": 2}], {"number": 2}),
        ([{"mixed": "a"}, {"mixed": 2}], {"mixed": 2}),
        ([{"role": "assistant"}, {"role": "assistant"}], {"role": "assistant"}),
        ([{"null": None}], {"null": None}),
        ([{"late": None}, {"late": {"text": "a"}}], {"late": {"text": "a"}}),
        ([{"deep": {"text": "a"}}, {"deep": {"text": "b"}}], {"deep": {"text": "ab"}}),
        ([{"deep": {"text": "a"}}, {"deep": None}, {"deep": 3}], {"deep": {"text": "a"}}),
    ],
)
def test_fragments_make_the_whole(fragments: list[dict[str, Any]], whole: dict[str, Any]) -> None:
    assert gather(*fragments) == whole


def test_the_order_is_that_of_the_first_fragments() -> None:
    assert list(gather({"b": None}, {"a": "1"}, {"b": "2"})) == ["b", "a"]


def test_bottomless_objects_are_taken_whole() -> None:
    bottomless: dict[str, Any] = {}
    for _ in range(900):
        bottomless = {"deeper": bottomless}
    assert gather(bottomless, bottomless) == bottomless
