from __future__ import annotations

from typing import Any

import pytest

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.thinking import read_think, template_fields
from llama_runner.relay.target import Target

THINKER = Target("t", None, capabilities=frozenset({"thinking"}))


@pytest.mark.parametrize("value", [None, True, False, "low", "medium", "high", "max"])
def test_what_may_be_said_of_thinking(value: Any) -> None:
    assert read_think(value) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [("much", 'invalid think value: "much"'), ("", "invalid think value"), (1, "think must be")],
)
def test_anything_else_is_refused(value: Any, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        read_think(value)


@pytest.mark.parametrize(("think", "thinks"), [(None, True), (True, True), (False, False)])
def test_a_model_that_can_think_does_unless_told_not_to(think: Any, thinks: bool) -> None:
    fields = template_fields(think, THINKER)
    assert fields == {"chat_template_kwargs": {"enable_thinking": thinks}}


def test_a_level_is_passed_on() -> None:
    fields = template_fields("high", THINKER)
    assert fields["reasoning_effort"] == "high"
    assert fields["chat_template_kwargs"] == {"enable_thinking": True, "reasoning_effort": "high"}


def test_what_is_configured_for_the_template_stays() -> None:
    target = Target(
        "t", None, {"chat_template_kwargs": {"a": 1}}, capabilities=frozenset({"thinking"})
    )
    told = template_fields(False, target)["chat_template_kwargs"]
    assert told == {"a": 1, "enable_thinking": False}


@pytest.mark.parametrize("think", [None, False])
def test_a_model_that_cannot_think_is_told_nothing(think: Any) -> None:
    assert template_fields(think, Target("t", None)) == {}
