"""Ollama's own client for JavaScript against the program, with real engines.

The cases are in tests/end_to_end/javascript: one process runs them all, and each is a test here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.javascript import run_cases
from tests.support.served_program import ServedProgram, Setup, served
from tests.support.zoo.models import ZOO
from tests.support.zoo.picture import picture

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CASES = (
    *("chat whole", "chat streamed", "chat thinks", "chat calls a tool", "chat keeps a format"),
    *("chat sees", "chat tells log probabilities", "generate whole and streamed"),
    *("generate raw, with a format, and with an image", "embed", "embeddings", "list", "show"),
    *("version", "ps, load and unload", "abort one stream", "abort all streams"),
    *("an unknown model", "a wrong option"),
)
MODELS = ("tiny-chat", "tiny-thinker", "tiny-seer", "tiny-embedder")
Outcomes = dict[str, str | None]


@pytest.fixture(scope="module")
def program(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedProgram]:
    """Return a program with small models, one of them also as one that must call a tool."""
    folder = tmp_path_factory.mktemp("javascript")
    paths = {name: folder / "models" / name / f"{name}.gguf" for name in MODELS}
    for name, path in paths.items():
        ZOO[name](path)
    # A prompt that is remembered is read in other batches, which can change an answer.
    fresh = {"cache_prompt": False}
    must_call = {**fresh, "tool_choice": "required", "chat_template_kwargs": {"open_call": True}}
    models = {
        "defaults": {"parameters": {"threads": 1}},
        "models": {
            "caller": {"path": str(paths["tiny-thinker"]), "request_defaults": must_call},
            **{name: {"path": str(paths[name]), "request_defaults": fresh} for name in MODELS[:3]},
        },
    }
    with served(Setup(folder, engine_name, models=models)) as program:
        yield program


@pytest.fixture(scope="module")
def outcomes(program: ServedProgram) -> Outcomes:
    """Return what became of all cases."""
    red, blue = (picture(*colour).partition(",")[2] for colour in ((255, 0, 0), (0, 0, 255)))
    return run_cases("methods.mjs", {"host": program.ollama, "red": red, "blue": blue})


@pytest.mark.parametrize("case", CASES)
def test_the_client_is_answered(outcomes: Outcomes, case: str) -> None:
    assert outcomes[case] is None, outcomes[case]


def test_every_case_is_a_test(outcomes: Outcomes) -> None:
    assert set(outcomes) == set(CASES)
