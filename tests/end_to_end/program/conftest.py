"""The whole program, started as a person would, once with each engine at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from attrs import evolve

from tests.support.openai_client import openai_client
from tests.support.served_program import PATIENCE, ServedProgram, Setup, served
from tests.support.zoo.bert import write_embedder

NAMED = os.environ.get("LLAMA_RUNNER_TEST_ENGINE")
TEMPLATE = Path(__file__).parents[2] / "support" / "templates" / "tools_and_thinking.jinja"


@pytest.fixture(
    scope="session",
    params=["embedded", *filter(None, [NAMED])],
    ids=["embedded", "llama-server"][: 2 if NAMED else 1],
)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Return what --engine is to name."""
    return str(request.param)


@pytest.fixture(scope="session")
def setup(engine_name: str, chat_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """Return a setup with a chat model that is configured and an embedding model that is found."""
    parameters = {
        "ctx-size": 4096,
        "parallel": 2,
        # Two would wait for each other where others use the cores too.
        "threads": 1,
        "chat-template": TEMPLATE.read_text("utf-8"),
    }
    chat = {"path": str(chat_model), "aliases": ["talker"], "parameters": parameters}
    setup = Setup(
        tmp_path_factory.mktemp("program"), engine_name, models={"models": {"chat": chat}}
    )
    write_embedder(setup.models_dir / "tiny-embedder" / "tiny-embedder.gguf")
    return setup


@pytest.fixture(scope="session")
def program(setup: Setup) -> Iterator[ServedProgram]:
    """Return a program that serves both models; at the end it must stop well."""
    with served(setup) as program:
        yield program


@pytest.fixture
def small(tmp_path: Path) -> Setup:
    """Return a setup of which no engine need be started."""
    setup = Setup(tmp_path)
    write_embedder(setup.models_dir / "tiny-embedder" / "tiny-embedder.gguf")
    (setup.models_dir / "torn.gguf").write_bytes(b"GGUF")
    return setup


@pytest.fixture
def running(small: Setup) -> Iterator[ServedProgram]:
    with served(small) as program:
        yield program


@pytest.fixture
def talking(setup: Setup, tmp_path: Path) -> Iterator[ServedProgram]:
    """Return a program with the chat model and a grace that no test would live through."""
    app = {"shutdown": {"grace": 10.0 * PATIENCE}}
    with served(evolve(setup, folder=tmp_path, app=app)) as program:
        yield program


@pytest.fixture
def client(talking: ServedProgram) -> Iterator[openai.OpenAI]:
    with openai_client(talking) as client:
        yield client
