from __future__ import annotations

from attrs import evolve

from llama_runner.config.app import DEFAULT_PORTS, AppConfig, ListenerConfig
from llama_runner.config.security import ApiKey


def test_the_listeners_have_the_ports_that_clients_try() -> None:
    listeners = AppConfig().listeners
    assert {name: getattr(listeners, name).port for name in DEFAULT_PORTS} == DEFAULT_PORTS
    assert all(getattr(listeners, name).host == "127.0.0.1" for name in DEFAULT_PORTS)


def test_a_key_does_not_show_when_a_configuration_is_printed() -> None:
    assert "hunter22" not in repr(ApiKey(name="laptop", key="hunter22"))


def test_a_default_port_may_be_given_up_and_a_chosen_one_not() -> None:
    app = AppConfig()
    assert not app.insists_on_port("ollama")
    moved = evolve(app, listeners=evolve(app.listeners, ollama=ListenerConfig(port=11435)))
    assert moved.insists_on_port("ollama")
    assert not moved.insists_on_port("lmstudio")
    assert evolve(app, given=frozenset({"lmstudio"})).insists_on_port("lmstudio")
