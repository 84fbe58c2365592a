"""What must hold between values that are each valid by themselves."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from llama_runner.config.app import DEFAULT_PORTS, AppConfig, ListenerConfig
from llama_runner.config.constraint import shown
from llama_runner.config.models import ModelsConfig
from llama_runner.config.problem import Problem, Step, render_path

_EVERYWHERE = frozenset({"0.0.0.0", "::", "0"})  # noqa: S104 - recognised, not bound


def app_problems(app: AppConfig, unsound: frozenset[str] = frozenset()) -> list[Problem]:
    """Return what is wrong with app_config.json as a whole.

    ``unsound`` names sections that were refused already: what compares them
    with others would only mislead.
    """
    return [
        problem
        for needs, check in _APP_CHECKS
        if needs.isdisjoint(unsound)
        for problem in check(app)
    ]


def models_problems(models: ModelsConfig, unsound: frozenset[str] = frozenset()) -> list[Problem]:
    """Return what is wrong with models_config.json as a whole."""
    return [] if "models" in unsound else list(_repeated_names(models))


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _open_listeners(app: AppConfig) -> dict[str, ListenerConfig]:
    listeners = {name: getattr(app.listeners, name) for name in DEFAULT_PORTS}
    return {name: listener for name, listener in listeners.items() if listener.enabled}


def _exposed(app: AppConfig) -> Iterator[Problem]:
    for name, listener in _open_listeners(app).items():
        if not is_loopback(listener.host) and not app.security.api_keys:
            yield Problem(
                ("listeners", name, "host"),
                "expected a loopback address such as 127.0.0.1, or a key in security.api_keys, "
                f"got {shown(listener.host)} and no key",
            )


def _sharing_a_port(app: AppConfig) -> Iterator[Problem]:
    seen: list[tuple[str, ListenerConfig]] = []
    for name, listener in _open_listeners(app).items():
        for other_name, other in seen:
            # Port 0 is "a free one", which is another one each time.
            if listener.port == other.port != 0 and _overlap(listener.host, other.host):
                yield Problem(
                    ("listeners", name, "port"),
                    f"expected a port of its own, got {listener.port} "
                    f"as in listeners.{other_name}.port",
                )
                break
        seen.append((name, listener))


def _overlap(host: str, other: str) -> bool:
    return host == other or not _EVERYWHERE.isdisjoint({host, other})


def _repeated_keys(app: AppConfig) -> Iterator[Problem]:
    names: dict[str, int] = {}
    keys: dict[str, int] = {}
    for index, entry in enumerate(app.security.api_keys):
        place: tuple[Step, ...] = ("security", "api_keys", index)
        if names.setdefault(entry.name, index) != index:
            first = f"security.api_keys[{names[entry.name]}]"
            yield Problem((*place, "name"), f"expected a name of its own, got the one of {first}")
        if keys.setdefault(entry.key, index) != index:
            first = f"security.api_keys[{keys[entry.key]}]"
            yield Problem((*place, "key"), f"expected a key of its own, got the one of {first}")


_APP_CHECKS: tuple[tuple[frozenset[str], Callable[[AppConfig], Iterator[Problem]]], ...] = (
    (frozenset({"listeners", "security"}), _exposed),
    (frozenset({"listeners"}), _sharing_a_port),
    (frozenset({"security"}), _repeated_keys),
)


def _repeated_names(models: ModelsConfig) -> Iterator[Problem]:
    """Names are looked up without regard to case, so each may be there once."""
    owners: dict[str, str] = {}
    for key in models.models:
        owner = owners.setdefault(key.casefold(), key)
        if owner != key:
            yield Problem(
                ("models", key),
                f"expected a key that differs from {shown(owner)} by more than case",
            )
    for key, model in models.models.items():
        for index, alias in enumerate(model.aliases):
            owner = owners.setdefault(alias.casefold(), key)
            if owner != key:
                yield Problem(
                    ("models", key, "aliases", index),
                    f"expected a name of its own, got {shown(alias)} "
                    f"as in {render_path(('models', owner))}",
                )
