"""What the command line asks for, and the configuration with that put over it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from attrs import evolve, frozen

from llama_runner.config.app import DEFAULT_PORTS, AppConfig, ListenerConfig
from llama_runner.config.checks import app_problems
from llama_runner.errors import ConfigError

OFF: Final = "off"
PortChoice = int | Literal["off"]


@frozen(kw_only=True)
class Options:
    """What the command line asked for; None where it said nothing."""

    command: str
    model: str | None = None
    words: tuple[str, ...] = ()
    """What else the command is told: a prompt, further models, a destination."""
    config_dir: Path | None = None
    models_dir: Path | None = None
    engine: str | None = None
    host: str | None = None
    lmstudio_port: PortChoice | None = None
    ollama_port: PortChoice | None = None
    dashboard_port: PortChoice | None = None
    state_dir: Path | None = None
    ready_file: Path | None = None
    json: bool = False
    format: str | None = None
    think: str | None = None
    hide_thinking: bool = False
    image: tuple[Path, ...] = ()
    modelfile: bool = False
    parameters: bool = False
    system: bool = False
    template: bool = False
    license: bool = False
    check: bool = False
    chrome: Path | None = None
    quick: bool = False
    peer: tuple[tuple[str, str], ...] = ()
    """Names and addresses."""
    record: bool = False


def apply_options(app: AppConfig, options: Options) -> AppConfig:
    """Return the configuration with what the command line said put over it.

    The engine is not part of it: a path of the file may be passed over, one
    of the command line may not, so its resolution takes both.

    Raises:
        ConfigError: both are valid, together they are not.
    """
    given = set(app.given)
    if options.models_dir is not None:
        app = evolve(app, models=evolve(app.models, dir=str(options.models_dir)))
        given.add("models_dir")
    listeners = {}
    for name in DEFAULT_PORTS:
        port = getattr(options, f"{name}_port")
        listeners[name] = _with_address(getattr(app.listeners, name), options.host, port)
        if isinstance(port, int):
            given.add(name)
    app = evolve(app, listeners=evolve(app.listeners, **listeners), given=frozenset(given))
    problems = app_problems(app)
    if problems:
        raise ConfigError("command line", tuple(map(str, problems)))
    return app


def _with_address(
    listener: ListenerConfig, host: str | None, port: PortChoice | None
) -> ListenerConfig:
    if host is not None:
        listener = evolve(listener, host=host)
    if isinstance(port, int):
        # Naming a port asks for the listener, whatever the file says.
        return evolve(listener, port=port, enabled=True)
    return listener if port is None else evolve(listener, enabled=False)
