from __future__ import annotations

import pytest
from attrs import evolve

from llama_runner.config.app import AppConfig, ListenerConfig
from llama_runner.config.security import ApiKey, SecurityConfig
from llama_runner.config.checks import app_problems, is_loopback, models_problems
from llama_runner.config.models import ModelConfig, ModelsConfig

KEY = ApiKey(name="laptop", key="long-enough")


def app_with(*keys: ApiKey, **listeners: ListenerConfig) -> AppConfig:
    app = AppConfig(security=SecurityConfig(api_keys=keys))
    return evolve(app, listeners=evolve(app.listeners, **listeners))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LocalHost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost.evil", "0", "127.1"])
def test_what_others_may_reach_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_the_defaults_are_in_order() -> None:
    assert app_problems(AppConfig()) == []
    assert models_problems(ModelsConfig()) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "my-machine"])
def test_a_listener_beyond_loopback_needs_a_key(host: str) -> None:
    listener = ListenerConfig(host=host, port=1)
    (problem,) = app_problems(app_with(dashboard=listener))
    assert str(problem) == (
        "listeners.dashboard.host: expected a loopback address such as 127.0.0.1, "
        f'or a key in security.api_keys, got "{host}" and no key'
    )
    assert app_problems(app_with(KEY, dashboard=listener)) == []
    assert app_problems(app_with(dashboard=evolve(listener, enabled=False))) == []


def test_two_listeners_cannot_share_an_address() -> None:
    (problem,) = app_problems(app_with(dashboard=ListenerConfig(port=1234)))
    assert str(problem) == (
        "listeners.dashboard.port: expected a port of its own, "
        "got 1234 as in listeners.lmstudio.port"
    )
    elsewhere = ListenerConfig(port=1234, host="127.0.0.2")
    assert app_problems(app_with(dashboard=elsewhere)) == []
    everywhere = ListenerConfig(port=1234, host="0.0.0.0")
    assert len(app_problems(app_with(KEY, dashboard=everywhere))) == 1
    off = ListenerConfig(port=1234, enabled=False)
    assert app_problems(app_with(dashboard=off)) == []


def test_free_ports_are_different_ones() -> None:
    free = ListenerConfig(port=0)
    assert app_problems(app_with(lmstudio=free, ollama=free, dashboard=free)) == []


def test_keys_and_their_names_must_differ_and_the_key_is_not_shown() -> None:
    problems = app_problems(app_with(KEY, KEY))
    assert [str(problem) for problem in problems] == [
        "security.api_keys[1].name: expected a name of its own, got the one of "
        "security.api_keys[0]",
        "security.api_keys[1].key: expected a key of its own, got the one of "
        "security.api_keys[0]",
    ]


def test_sections_that_were_refused_are_not_compared() -> None:
    app = app_with(KEY, KEY, ollama=ListenerConfig(port=1234))
    assert len(app_problems(app)) == 3
    assert len(app_problems(app, frozenset({"listeners"}))) == 2
    assert len(app_problems(app, frozenset({"security"}))) == 1
    assert app_problems(app, frozenset({"security", "listeners"})) == []


def test_a_name_belongs_to_one_model_without_regard_to_case() -> None:
    models = ModelsConfig(
        models={
            "a": ModelConfig(aliases=("chat", "Chat", "A")),
            "A": ModelConfig(),
            "b": ModelConfig(aliases=("CHAT", "a")),
        }
    )
    assert [str(problem) for problem in models_problems(models)] == [
        'models.A: expected a key that differs from "a" by more than case',
        'models.b.aliases[0]: expected a name of its own, got "CHAT" as in models.a',
        'models.b.aliases[1]: expected a name of its own, got "a" as in models.a',
    ]
    assert models_problems(models, frozenset({"models"})) == []
