"""docs/USAGE.md says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from llama_runner.cli import COMMANDS, OPTIONS, ExitCode
from llama_runner.config.app import AppConfig
from llama_runner.config.models import ModelsConfig
from llama_runner.config.setting import settings_of
from llama_runner.config_loader import load_app_config, load_models_config
from tests.support.usage_tables import USAGE, with_tables

PAGE = USAGE.read_text(encoding="utf-8")
CONFIGURATION = PAGE.partition("\n## Configuration\n")[2].partition("\n## ")[0]
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", CONFIGURATION, re.S)]


def test_the_tables_are_the_generated_ones() -> None:
    assert PAGE == with_tables(PAGE), "run python -m tests.support.usage_tables"


@pytest.mark.parametrize("name", [*(c.name for c in COMMANDS), *(o.flag for o in OPTIONS)])
def test_every_command_and_flag_is_documented(name: str) -> None:
    assert f"`{name}" in PAGE


@pytest.mark.parametrize("cls", [AppConfig, ModelsConfig])
def test_every_key_is_documented(cls: type[Any]) -> None:
    for name in settings_of(cls):
        assert f"| `{name}` |" in PAGE
    for key in ("listeners.ollama.port", "security.api_keys[].key", "models.KEY.aliases"):
        assert f"| `{key}` |" in PAGE


def test_every_exit_code_is_documented() -> None:
    for code in ExitCode:
        assert f"\n| {code.value} | " in PAGE


def test_the_examples_can_be_loaded(tmp_path: Path) -> None:
    assert len(EXAMPLES) == 2
    for example in EXAMPLES:
        path = tmp_path / "example.json"
        path.write_text(json.dumps(example), encoding="utf-8")
        load = load_models_config if "default_model" in example else load_app_config
        load(path)
