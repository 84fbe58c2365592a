from __future__ import annotations

import pytest

from llama_runner.runner.settings_check import differences
from tests.support.fake_child import fake_launch


def props(slots: object, context: object) -> dict[str, object]:
    return {"total_slots": slots, "default_generation_settings": {"n_ctx": context}}


@pytest.mark.parametrize(
    ("answered", "found"),
    [
        (props(2, 4096), ()),
        (props(2, 4352), ()),
        (props(4, 4096), ("2 slots were asked for, it has 4",)),
        (props(2, 2048), ("a context of 4096 for each slot was asked for, it has 2048",)),
        ({}, ()),
        ({"total_slots": "2", "default_generation_settings": None}, ()),
    ],
)
def test_each_difference_is_one_sentence(answered, found):
    assert differences(fake_launch(slots=2, context_length=8192), answered) == found


def test_a_context_nobody_asked_for_is_never_wrong():
    assert differences(fake_launch(slots=1), props(1, 17)) == ()
