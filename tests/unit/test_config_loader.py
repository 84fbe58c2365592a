from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llama_runner.config.app import AppConfig, ListenerConfig
from llama_runner.config.configuration import Configuration
from llama_runner.config.models import ModelConfig, ModelsConfig
from llama_runner.config_loader import (
    default_config_dir,
    load_app_config,
    load_configuration,
    load_models_config,
)
from llama_runner.errors import ConfigError


def write(folder: Path, document: Any, name: str = "app_config.json") -> Path:
    path = folder / name
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    path.write_bytes(content)
    return path


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_app_config(path)
    assert caught.value.source == str(path)
    return caught.value.problems


def test_an_empty_object_means_the_defaults(tmp_path: Path) -> None:
    assert load_app_config(write(tmp_path, {})) == AppConfig()
    assert load_models_config(write(tmp_path, {})) == ModelsConfig()


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_app_config(tmp_path / "none.json") == AppConfig()
    assert load_models_config(tmp_path / "none.json") == ModelsConfig()


def test_a_byte_order_mark_and_windows_paths_are_fine(tmp_path: Path) -> None:
    text = r'{"engine": {"path": "D:\\Modèles\\llama-server.exe"}}'
    app = load_app_config(write(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert app.engine.path == "D:\\Modèles\\llama-server.exe"


def test_a_listener_given_in_part_keeps_its_own_port(tmp_path: Path) -> None:
    app = load_app_config(write(tmp_path, {"listeners": {"ollama": {"enabled": False}}}))
    assert app.listeners.ollama == ListenerConfig(port=11434, enabled=False)
    assert app.listeners.dashboard == ListenerConfig(port=8035)


def test_models_are_read_with_all_they_can_say(tmp_path: Path) -> None:
    entry: dict[str, Any] = {
        "path": "D:\\m.gguf",
        "aliases": ["coder"],
        "mmproj": "",
        "parameters": {"ctx-size": 8192, "temp": 0.5, "no-mmap": True, "cache-type-k": "q8_0"},
        "request_defaults": {"stop": ["x", {"y": None}]},
        "hidden": True,
    }
    models = load_models_config(write(tmp_path, {"default_model": "m", "models": {"m": entry}}))
    assert models.default_model == "m"
    assert models.models["m"] == ModelConfig(
        path="D:\\m.gguf",
        aliases=("coder",),
        mmproj="",
        parameters=entry["parameters"],
        request_defaults=entry["request_defaults"],
        hidden=True,
    )
    assert type(models.models["m"].parameters["ctx-size"]) is int


def test_every_problem_is_reported_with_its_place(tmp_path: Path) -> None:
    document = {
        "listeners": {"ollama": {"port": "11434x", "hosst": "x"}, "lmstudio": {"enabled": 1}},
        "listener": {},
        "scheduling": {"queue_limit": 3.9},
    }
    assert problems(write(tmp_path, document)) == (
        'listener: unknown key; did you mean "listeners"?',
        "listeners.lmstudio.enabled: expected true or false, got 1",
        'listeners.ollama.hosst: unknown key; did you mean "host"?',
        'listeners.ollama.port: expected an integer from 1 to 65535, got "11434x"',
        "scheduling.queue_limit: expected an integer from 1 to 1000000, got 3.9",
    )


def test_a_twice_given_key_hides_no_other_problem(tmp_path: Path) -> None:
    text = b'{"shutdown": {"grace": NaN}, "engine": {"path": "a", "path": 5}, "logging": 1}'
    assert problems(write(tmp_path, text)) == (
        "shutdown.grace: expected an ordinary number, got NaN",
        "engine.path: this key is there twice; keep one",
        "logging: expected an object, got 1",
    )


def test_sections_are_compared_even_when_another_one_is_wrong(tmp_path: Path) -> None:
    document = {"logging": {"level": "info"}, "listeners": {"ollama": {"host": "0.0.0.0"}}}
    first, second = problems(write(tmp_path, document))
    assert first.startswith("logging.level: expected one of ")
    assert second.startswith("listeners.ollama.host: expected a loopback address ")


def test_a_wrong_key_is_not_taken_for_no_key(tmp_path: Path) -> None:
    document = {
        "security": {"api_keys": [{"name": "laptop", "key": "short"}]},
        "listeners": {"ollama": {"host": "0.0.0.0"}},
    }
    (problem,) = problems(write(tmp_path, document))
    assert problem.startswith("security.api_keys[0].key: ")
    assert '"short"' not in problem


def test_the_schema_line_of_editors_is_passed_over(tmp_path: Path) -> None:
    assert load_app_config(write(tmp_path, {"$schema": "schema/x.json"})) == AppConfig()
    assert (
        problems(write(tmp_path, {"$schema": 5, "x": 1}))[0] == "$schema: expected a string, got 5"
    )


@pytest.mark.parametrize("document", [[], None, "x", 5, True])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, document: Any) -> None:
    (problem,) = problems(write(tmp_path, document))
    assert problem.startswith("expected an object, got ")


def test_a_syntax_error_is_told_by_line_and_column(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, b'{\n  "engine": {"path": "x"},\n}'))
    assert problem == "line 3, column 1: a comma before the closing bracket; take it out"


def test_a_file_that_cannot_be_read_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)
    assert problem.startswith("cannot be read: ")


def test_aliases_of_two_models_must_differ(tmp_path: Path) -> None:
    document = {"models": {"a": {"aliases": ["x"]}, "b": {"aliases": ["X"]}}}
    with pytest.raises(ConfigError, match="expected a name of its own"):
        load_models_config(write(tmp_path, document))


def test_both_files_make_one_configuration(tmp_path: Path) -> None:
    write(tmp_path, {"shutdown": {"grace": 0}})
    write(tmp_path, {"default_model": "m"}, "models_config.json")
    configuration = load_configuration(tmp_path)
    assert configuration.app.shutdown.grace == 0
    assert configuration.models.default_model == "m"


def test_the_problems_of_both_files_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, {"x": 1})
    write(tmp_path, b"{", "models_config.json")
    with pytest.raises(ConfigError) as caught:
        load_configuration(tmp_path)
    first, second = caught.value.problems
    assert first.startswith("app_config.json: x: unknown key")
    assert second.startswith("models_config.json: line 1, column 2: ")


def test_a_folder_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a folder"):
        load_configuration(tmp_path / "none")
    with pytest.raises(ConfigError, match="got a file"):
        load_configuration(write(tmp_path, {}))
    (tmp_path / "empty").mkdir()
    assert load_configuration(tmp_path / "empty") == Configuration()


def test_the_shipped_configuration_is_the_default_one() -> None:
    assert (default_config_dir() / "app_config.json").is_file()
    assert load_configuration() == Configuration()
