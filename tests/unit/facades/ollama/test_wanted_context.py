from __future__ import annotations

from typing import Any

import pytest

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.wanted_context import wanted_context


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, None),
        ({"num_ctx": None}, None),
        ({"num_ctx": 0}, None),
        ({"num_ctx": -1}, None),
        ({"num_ctx": 0.5}, None),
        ({"num_ctx": 1}, 1),
        ({"num_ctx": 8192}, 8192),
        ({"num_ctx": 8192.0}, 8192),
        ({"num_ctx": 8192.9}, 8192),
        ({"num_ctx": 10**30}, 10**30),
    ],
)
def test_a_number_above_0_is_a_wish(options: dict[str, Any], wanted: int | None) -> None:
    assert wanted_context(options) == wanted


@pytest.mark.parametrize("value", ["8192", True, False, [], {}])
def test_what_is_no_number_is_refused_in_ollama_s_words(value: Any) -> None:
    with pytest.raises(BadRequest, match='^option "num_ctx" must be of type integer$') as refused:
        wanted_context({"num_ctx": value})
    assert refused.value.status == 500
