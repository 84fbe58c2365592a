"""Ollama's own client for JavaScript changes which models the program has.

A case whose route is not there yet is an expected failure, for as long as docs/USAGE.md does not
name the route.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from llama_runner.config.app import AppConfig
from tests.support.javascript import run_cases
from tests.support.served_program import Setup, served
from tests.support.source import ROOT
from tests.support.still_registry import still_registry
from tests.support.zoo.talkers import write_chat

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ROUTES = {
    "create": "POST /api/create",
    "create of a blob": "POST /api/create",
    "copy": "POST /api/copy",
    "delete": "DELETE /api/delete",
    "pull": "POST /api/pull",
    "push": "POST /api/push",
}
"""The route of each case."""
Outcomes = dict[str, str | None]


@pytest.fixture(scope="module")
def outcomes(engine_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcomes]:
    """Return what became of all cases."""
    folder = tmp_path_factory.mktemp("managing")
    path = write_chat(folder / "models" / "tiny-chat" / "tiny-chat.gguf")
    models = {"defaults": {"parameters": {"threads": 1}}}
    with still_registry("pulled", path.read_bytes()) as registry:
        setup = Setup(folder, engine_name, app=_pulling_from(registry), models=models)
        with served(setup) as program:
            gguf = write_chat(folder / "to-upload.gguf")
            yield run_cases("managing.mjs", {"host": program.ollama, "gguf": str(gguf)})


def _pulling_from(registry: str) -> dict[str, dict[str, str]]:
    can_pull = "store" in attrs.fields_dict(AppConfig)
    return {"store": {"registry": registry}} if can_pull else {}


@pytest.mark.parametrize("case", ROUTES)
def test_the_client_manages_models(outcomes: Outcomes, case: str) -> None:
    failure, route = outcomes[case], ROUTES[case]
    if failure is not None and failure.startswith(f"Error: no {route}\n"):
        usage = (ROOT / "docs" / "USAGE.md").read_text("utf-8")
        assert f"| `{route}` |" not in usage, f"{route} is promised, and not there"
        pytest.xfail(f"{route} is not there yet")
    assert failure is None, failure


def test_every_case_is_a_test(outcomes: Outcomes) -> None:
    assert set(outcomes) == set(ROUTES)
