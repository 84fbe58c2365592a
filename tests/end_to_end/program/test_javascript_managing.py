"""Ollama's own client for JavaScript changes which models the program has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.javascript import run_cases
from tests.support.served_program import Setup, served
from tests.support.still_registry import still_registry
from tests.support.zoo.talkers import write_chat

pytestmark = [pytest.mark.engine, pytest.mark.slow]

CASES = ("create", "create of a blob", "copy", "delete", "pull", "push")
Outcomes = dict[str, str | None]


@pytest.fixture(scope="module")
def outcomes(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """Return what became of all cases."""
    folder = tmp_path_factory.mktemp("managing")
    path = write_chat(folder / "models" / "tiny-chat" / "tiny-chat.gguf")
    models = {"defaults": {"parameters": {"threads": 1}}}
    with still_registry("pulled", path.read_bytes()) as registry:
        setup = Setup(folder, engine_name, app={"store": {"registry": registry}}, models=models)
        with served(setup) as program:
            gguf = write_chat(folder / "to-upload.gguf")
            yield run_cases("managing.mjs", {"host": program.ollama, "gguf": str(gguf)})


@pytest.mark.parametrize("case", CASES)
def test_the_client_manages_models(outcomes: Outcomes, case: str) -> None:
    assert outcomes[case] is None, outcomes[case]


def test_every_case_is_a_test(outcomes: Outcomes) -> None:
    assert set(outcomes) == set(CASES)
