"""From configuration and options to what they mean on this machine: all that comes before Trio."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from llama_runner.catalog.scanner import scan_here
from llama_runner.catalog.store_places import StorePlace, other_places
from llama_runner.cli import Options, apply_options
from llama_runner.config.app import AppConfig
from llama_runner.config.configuration import Configuration
from llama_runner.config_loader import load_configuration
from llama_runner.embedded_model import (
    embedded_models_folder,
    ensure_embedded_model,
    holds_models,
)
from llama_runner.platforms.paths import state_folder
from llama_runner.runner.engine import Engine, resolve_engine

Say = Callable[[str], None]


@frozen
class Prepared:
    """A valid configuration and where its models lie; ``folders`` are those that exist.

    ``others`` are the stores of other programs.
    """

    configuration: Configuration
    state: Path
    folders: tuple[Path, ...]
    others: tuple[StorePlace, ...] = ()


def prepare(options: Options, say: Say) -> Prepared:
    """Read the configuration and find the model folders; ``say`` tells the user.

    Raises:
        ConfigError: with every problem.

    """
    configuration = load_configuration(options.config_dir)
    app = apply_options(configuration.app, options)
    state = state_folder(options.state_dir)
    wanted = [Path(app.models.dir), *map(Path, app.models.extra_dirs)]
    missing = [folder for folder in wanted if not folder.is_dir()]
    for folder in missing:
        say(f"models: {folder} is not on this machine")
    fetched = embedded_models_folder(state)
    folders = [folder for folder in wanted if folder not in missing]
    others = _others(app)
    if not _has_models(configuration, folders, others) and fetched.is_dir():
        folders.append(fetched)
    return Prepared(evolve(configuration, app=app), state, tuple(folders), others)


def with_models(prepared: Prepared, say: Say) -> Prepared:
    """Return the same with the embedded model fetched, where there is no other to serve.

    A models folder that was named on the command line is the user's choice,
    even when it is empty.

    Raises:
        ConfigError: it cannot be fetched.

    """
    chosen = "models_dir" in prepared.configuration.app.given
    if chosen or _has_models(prepared.configuration, prepared.folders, prepared.others):
        return prepared
    ensure_embedded_model(prepared.state, say)
    return evolve(prepared, folders=(*prepared.folders, embedded_models_folder(prepared.state)))


def find_engine(prepared: Prepared, options: Options, say: Say) -> Engine:
    """Return the engine, and tell which it is and why.

    Raises:
        ConfigError: there is none.

    """
    engine = resolve_engine(options.engine, prepared.configuration.app.engine.path)
    say(f"engine: {engine.reason}")
    return engine


def _others(app: AppConfig) -> tuple[StorePlace, ...]:
    """Return the stores of other programs; --models-dir names the one folder to serve."""
    if app.models.other_stores is None and "models_dir" in app.given:
        return ()
    return other_places(app.models.stores, os.environ, Path.home())


def _has_models(
    configuration: Configuration, folders: Sequence[Path], others: Sequence[StorePlace]
) -> bool:
    named = any(model.path for model in configuration.models.models.values())
    if named or holds_models(folders):
        return True
    # What only lies there is not enough: a store may hold nothing that an engine loads.
    return bool(others) and bool(scan_here((), others=others).cards)
