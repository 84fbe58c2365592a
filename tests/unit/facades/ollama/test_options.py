from __future__ import annotations

from typing import Any

import pytest

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.options import engine_fields, read_options

DEFAULTS = {
    **{"n_predict": -1, "n_keep": 4, "temperature": 0.8, "top_k": 40, "top_p": 0.9, "min_p": 0.0},
    **{"typical_p": 1.0, "repeat_last_n": 64, "repeat_penalty": 1.0},
    **{"presence_penalty": 0.0, "frequency_penalty": 0.0},
}


def told(options: dict[str, Any], context: int = 0, **request_defaults: Any) -> dict[str, Any]:
    return engine_fields(read_options(options), request_defaults, context)


def test_what_nobody_says_is_ollama_s_default_and_not_the_engine_s() -> None:
    assert told({}) == DEFAULTS


def test_a_model_s_own_defaults_are_left_to_it_by_any_of_their_names() -> None:
    fields = told({}, temperature=0.1, max_tokens=7, top_k=None)
    assert "temperature" not in fields and "n_predict" not in fields
    assert fields["top_k"] == 40
    assert told({"temperature": 0.5}, temperature=0.1)["temperature"] == 0.5


def test_whole_numbers_may_be_written_as_fractions_and_null_is_nothing() -> None:
    fields = told({"num_predict": 3.0, "seed": 7, "top_p": 1, "stop": ["x"], "top_k": None})
    assert fields == {**DEFAULTS, "n_predict": 3, "seed": 7, "top_p": 1, "stop": ["x"]}


@pytest.mark.parametrize(
    ("option", "value", "context", "name", "sent"),
    [
        ("num_predict", -2, 0, "n_predict", -1),
        ("num_predict", 0, 0, "n_predict", 0),
        ("repeat_last_n", -1, 2048, "repeat_last_n", 2048),
        ("repeat_last_n", -1, 0, "repeat_last_n", 65_536),
        ("num_keep", -5, 0, "n_keep", -1),
    ],
)
def test_what_the_engine_would_refuse_is_put_in_its_range(
    option: str, value: int, context: int, name: str, sent: int
) -> None:
    assert told({option: value}, context)[name] == sent


@pytest.mark.parametrize(
    "option",
    [
        *("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict"),
        *("mirostat", "tfs_z", "penalize_newline", "numa", "low_vram", "f16_kv", "unheard_of"),
    ],
)
def test_what_is_no_matter_of_sampling_is_passed_over(option: str) -> None:
    assert told({option: 1}) == DEFAULTS


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("temperature", "hot", 'option "temperature" must be of type float32'),
        ("temperature", True, 'option "temperature" must be of type float32'),
        ("num_predict", "9", 'option "num_predict" must be of type integer'),
        ("num_ctx", [], 'option "num_ctx" must be of type integer'),
        ("use_mmap", 1, 'option "use_mmap" must be of type boolean'),
        ("stop", "x", 'option "stop" must be of type array'),
        ("stop", ["x", 1], 'option "stop" must be of an array of strings'),
    ],
)
def test_a_wrong_type_is_told_in_ollama_s_words(option: str, value: Any, message: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_options({option: value})
    assert (refused.value.status, str(refused.value)) == (500, message)
