from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from llama_runner.config.app import AppConfig, ListenerConfig
from llama_runner.config.options import Options, apply_options
from llama_runner.errors import ConfigError


def test_options_that_say_nothing_change_nothing() -> None:
    assert apply_options(AppConfig(), Options(command="start")) == AppConfig()


def test_what_the_command_line_gave_is_put_over_the_file_and_remembered() -> None:
    options = Options(
        command="start", models_dir=Path("models"), host="127.0.0.2", ollama_port=11434
    )
    app = apply_options(AppConfig(), options)
    assert app.models.dir == "models"
    assert app.listeners.ollama == ListenerConfig(host="127.0.0.2", port=11434)
    assert app.listeners.lmstudio == ListenerConfig(host="127.0.0.2", port=1234)
    assert app.given == {"models_dir", "ollama"}
    assert app.insists_on_port("ollama")
    assert not app.insists_on_port("lmstudio")


def test_off_closes_a_listener_and_a_port_opens_one() -> None:
    app = AppConfig()
    closed = evolve(app.listeners.ollama, enabled=False)
    app = evolve(app, listeners=evolve(app.listeners, ollama=closed))
    app = apply_options(app, Options(command="start", lmstudio_port="off", ollama_port=0))
    assert not app.listeners.lmstudio.enabled
    assert app.listeners.lmstudio.port == 1234
    assert app.listeners.ollama == ListenerConfig(port=0)
    assert app.given == {"ollama"}


def test_three_free_ports_are_no_conflict() -> None:
    options = Options(command="start", lmstudio_port=0, ollama_port=0, dashboard_port=0)
    assert apply_options(AppConfig(), options).given == {"lmstudio", "ollama", "dashboard"}


def test_an_address_for_others_needs_a_key_here_too() -> None:
    with pytest.raises(ConfigError) as caught:
        apply_options(AppConfig(), Options(command="start", host="0.0.0.0"))
    assert caught.value.source == "command line"
    assert len(caught.value.problems) == 3


def test_the_engine_is_left_to_its_own_resolution() -> None:
    assert apply_options(AppConfig(), Options(command="start", engine="x")) == AppConfig()
