"""Owns the listeners: one for each facade."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from functools import partial

import trio
from attrs import frozen

from llama_runner.config.app import AppConfig, ListenerConfig
from llama_runner.errors import PortTaken
from llama_runner.facades.anthropic.routes import MESSAGES
from llama_runner.facades.dashboard.app import build_app as build_dashboard
from llama_runner.facades.dashboard.errors import refusal as dashboard_refusal
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.lmstudio.app import build_app as build_lmstudio
from llama_runner.facades.lmstudio.errors import refusal as lmstudio_refusal
from llama_runner.facades.ollama.app import build_app as build_ollama
from llama_runner.facades.ollama.blob_routes import build_uploads
from llama_runner.facades.ollama.errors import refusal as ollama_refusal
from llama_runner.facades.ollama.routes import RELAYED as OLLAMA_ROUTES
from llama_runner.facades.openai.routes import RELAY_ROUTES
from llama_runner.http.access import Access
from llama_runner.http.address import bind
from llama_runner.http.application import Application, ASGIApp
from llama_runner.http.site import Refusal, RelayHandler, Site, UploadHandler
from llama_runner.http.listener import listen
from llama_runner.relay.relay import Relay, RelayRoute

logger = logging.getLogger(__name__)


@frozen
class Facade:
    """One API that we speak, as its listener serves it."""

    build_app: Callable[[Dependencies], ASGIApp]
    refusal: Refusal
    relay_routes: tuple[RelayRoute, ...] = ()
    app_schemes: frozenset[str] = frozenset()
    build_uploads: Callable[[Dependencies], Mapping[str, UploadHandler]] = lambda _: {}


OLLAMA_APPS = frozenset({"app", "file", "tauri", "vscode-webview", "vscode-file"})
"""Desktop programs that are built of web pages, which Ollama lets in without being told."""


FACADES: Mapping[str, Facade] = {
    "lmstudio": Facade(build_lmstudio, lmstudio_refusal, (*RELAY_ROUTES, MESSAGES)),
    "ollama": Facade(
        build_ollama,
        ollama_refusal,
        (*RELAY_ROUTES, MESSAGES, *OLLAMA_ROUTES),
        OLLAMA_APPS,
        build_uploads,
    ),
    "dashboard": Facade(build_dashboard, dashboard_refusal),
}


def bind_listeners(config: AppConfig) -> dict[str, socket.socket]:
    """Bind every enabled listener; return the sockets by name.

    A listener whose default port is taken is left out, loudly: a running
    Ollama or LM Studio is normal.

    Raises:
        PortTaken: a port that somebody chose is taken, or no listener is left.

    """
    bound: dict[str, socket.socket] = {}
    refused: list[str] = []
    for name in FACADES:
        listener: ListenerConfig = getattr(config.listeners, name)
        if not listener.enabled:
            continue
        try:
            bound[name] = bind(listener.host, listener.port)
        except PortTaken as error:
            refused.append(f"the {name} listener is off: {error}")
            if config.insists_on_port(name):
                _close(bound)
                raise PortTaken(f"{name}: {error}") from error
            logger.warning(refused[-1])
    if not bound:
        reasons = "; ".join(refused) or "every listener is disabled"
        raise PortTaken(f"there is nothing to serve on: {reasons}")
    return bound


def addresses(bound: Mapping[str, socket.socket]) -> dict[str, str | None]:
    """Return the base address of every facade, ``None`` for one that is off."""
    return {name: _address(bound[name]) if name in bound else None for name in FACADES}


async def serve_facades(
    bound: Mapping[str, socket.socket],
    config: AppConfig,
    dependencies: Dependencies,
    relay: Relay,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on every bound socket until ``dependencies.stop``, then drain."""
    async with trio.open_nursery() as nursery:
        for name, sock in bound.items():
            site = site_of(FACADES[name], config, dependencies, relay)
            nursery.start_soon(
                partial(listen, sock, site, dependencies.stop, grace=config.shutdown.grace),
                name=f"listener {name}",
            )
        task_status.started()


def site_of(facade: Facade, config: AppConfig, dependencies: Dependencies, relay: Relay) -> Site:
    """Return what the listener of ``facade`` serves, and by which rules."""
    security = config.security
    keys = tuple(key.key for key in security.api_keys)
    access = Access(
        frozenset(host.lower() for host in security.allowed_hosts),
        frozenset(origin.lower().rstrip("/") for origin in security.allowed_origins),
        (*keys, dependencies.control_key) if keys else (),
        {key.key: key.name for key in security.api_keys},
        facade.app_schemes,
    )
    application = Application(facade.build_app(dependencies), config.limits)
    uploads = facade.build_uploads(dependencies)
    routes = _handlers(facade, relay)
    return Site(application, routes, access, config.limits, facade.refusal, uploads)


def _handlers(facade: Facade, relay: Relay) -> dict[tuple[str, str], RelayHandler]:
    return {("POST", route.path): partial(relay.serve, route) for route in facade.relay_routes}


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _close(bound: Mapping[str, socket.socket]) -> None:
    for sock in bound.values():
        sock.close()
