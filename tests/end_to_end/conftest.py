"""The engine and the model that the end-to-end tests run with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llama_runner.embedded_model import ensure_embedded_model
from llama_runner.platforms.paths import state_folder
from tests.support.engine import Answers, running_engine

TEMPLATES = Path(__file__).parents[1] / "support" / "templates"


NAMED = os.environ.get("LLAMA_RUNNER_TEST_ENGINE")


@pytest.fixture(scope="session", params=["embedded", "named"] if NAMED else ["embedded"])
def engine(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the command of the embedded engine, then of LLAMA_RUNNER_TEST_ENGINE if it is set."""
    named = NAMED if request.param == "named" else None
    return (named,) if named else (sys.executable, "-m", "llama_runner.embedded")


@pytest.fixture(scope="session")
def chat_model() -> Path:
    """Return a small chat model: LLAMA_RUNNER_TEST_MODEL, or the embedded one."""
    named = os.environ.get("LLAMA_RUNNER_TEST_MODEL")
    return Path(named) if named else ensure_embedded_model(state_folder(), print)


@pytest.fixture(scope="module")
def answers(
    engine: tuple[str, ...], chat_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Answers]:
    """Return a running engine whose chat template knows tools and thinking."""
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    template = TEMPLATES / "tools_and_thinking.jinja"
    with running_engine(engine, chat_model, template, log) as running:
        yield running
