"""What every command that asks Ollama's port is tested with."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llama_runner.__main__ import main
from tests.support.scripted_ollama import ScriptedOllama, scripted_ollama

Main = Callable[..., int]


@pytest.fixture
def ollama(tmp_path: Path) -> Iterator[ScriptedOllama]:
    """Return a scripted port that commands find in ``tmp_path``."""
    with scripted_ollama(tmp_path) as script:
        yield script


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Main:
    """Return what runs the program's command line; ``piped`` is what stdin holds."""

    def run(*words: str, piped: str = "") -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
        folders = ("--state-dir", str(tmp_path), "--config-dir", str(tmp_path))
        monkeypatch.setattr(sys, "argv", ["main.py", *words, *folders])
        return int(main())

    return run
