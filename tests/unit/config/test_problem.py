from __future__ import annotations

import pytest

from llama_runner.config.problem import Problem, Refused, Step, render_path


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("listeners", "ollama", "port"), "listeners.ollama.port"),
        (("models", "qwen-2.5", "aliases", 0), 'models["qwen-2.5"].aliases[0]'),
        (("models", 'a"b'), 'models["a\\"b"]'),
        (("parameters", "--ctx-size"), 'parameters["--ctx-size"]'),
        (("", "x"), '[""].x'),
    ],
)
def test_paths_read_as_one_would_write_them(path: tuple[Step, ...], text: str) -> None:
    assert render_path(path) == text


def test_a_problem_of_the_whole_file_has_no_path() -> None:
    assert str(Problem((), "expected an object")) == "expected an object"
    assert str(Problem((), "wrong").under(3).under("a")) == "a[3]: wrong"


def test_a_problem_can_always_be_printed() -> None:
    str(Problem(("\ud800",), "got \udfff")).encode("utf-8")


def test_a_refusal_says_all_its_problems() -> None:
    refusal = Refused([Problem(("a",), "one"), Problem(("b",), "two")])
    assert str(refusal) == "a: one; b: two"
