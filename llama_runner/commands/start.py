"""``start``: serve until told to stop."""

from __future__ import annotations

import json
import logging
import os
import sys
from functools import partial
from pathlib import Path

import trio

from llama_runner.catalog.cache import MetadataCache
from llama_runner.catalog.catalog import Catalog, build_catalog, configured_files
from llama_runner.catalog.kept_manifest import manifests_in
from llama_runner.catalog.scanner import scan
from llama_runner.cli import ExitCode, Options
from llama_runner.commands.preparing import Prepared, find_engine, prepare, with_models
from llama_runner.commands.running import Claim, claimed
from llama_runner.concurrency.groups import sole_error
from llama_runner.concurrency.stop import Stop
from llama_runner.embedded_model import embedded_models_folder
from llama_runner.logs.log import open_log
from llama_runner.main import Parts, new_control_key, serve, stop_on_signal
from llama_runner.platforms.console import console_held
from llama_runner.platforms.lifetime import end_children_with_us
from llama_runner.platforms.memory import look_for_garbage_seldom
from llama_runner.platforms.open_files import allow_open_files
from llama_runner.platforms.private_file import write_private
from llama_runner.proxy_manager import addresses, bind_listeners
from llama_runner.runner.engine import Engine
from llama_runner.runner.spawner import system_spawner

logger = logging.getLogger(__name__)

OTHER_FILES = 256
"""Log and state files, pipes to engines and whatever Python opens."""

CHECKOUT = Path(__file__).resolve().parents[2]


def start(options: Options) -> ExitCode:
    """Serve until a signal, or ``stop``, ends it.

    Raises:
        ConfigError: the configuration, the engine or the models are unusable, or
            the state folder is another program's.
        PortTaken: a port that was asked for is taken.

    """
    end_children_with_us(_say)
    prepared = prepare(options, _say)
    with claimed(prepared.state, new_control_key()) as claim:
        prepared = with_models(prepared, _say)
        engine = find_engine(prepared, options, _say)
        trio.run(_run, options, prepared, engine, claim)
    return ExitCode.NORMAL


async def _run(options: Options, prepared: Prepared, engine: Engine, claim: Claim) -> None:
    stop, logs = Stop(), prepared.configuration.app.logging
    token = trio.lowlevel.current_trio_token()
    with console_held(partial(token.run_sync_soon, stop.request_at_once)), sole_error():
        async with (
            open_log(logs, CHECKOUT / Path(logs.dir).expanduser(), sys.stderr),
            trio.open_nursery() as nursery,
        ):
            await nursery.start(stop_on_signal, stop)
            await _serve(options, prepared, engine, claim, stop)
            nursery.cancel_scope.cancel()


async def _serve(
    options: Options, prepared: Prepared, engine: Engine, claim: Claim, stop: Stop
) -> None:
    catalog = await find_models(prepared)
    bound = bind_listeners(prepared.configuration.app)
    make_room(len(bound), prepared.configuration.app.limits.max_connections)
    where = addresses(bound)
    parts = Parts(
        prepared.configuration,
        engine,
        catalog,
        system_spawner(),
        prepared.state,
        store_folder(prepared),
        partial(find_models, prepared),
        bound,
        where,
        claim.control_key,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(serve, parts, stop)
        look_for_garbage_seldom()
        claim.note(where)
        _announce(options, where)


def make_room(listeners: int, connections: int) -> None:
    """See to it that there may be as many connections as are configured."""
    # Each may need another one to an engine; what else is open is little.
    wanted = 2 * listeners * connections + OTHER_FILES
    allowed = allow_open_files(wanted)
    if allowed < listeners * connections + OTHER_FILES:
        message = "the system allows %d open files, which is less than limits.max_connections needs"
        logger.warning(message, allowed)


def store_folder(prepared: Prepared) -> Path:
    """Return the folder into which models are fetched: the one of models, if there is any."""
    app = prepared.configuration.app
    wanted = Path(app.models.dir)
    there = wanted in prepared.folders or "models_dir" in app.given
    return wanted if there else embedded_models_folder(prepared.state)


async def find_models(prepared: Prepared) -> Catalog:
    """Look at all that can be served, and tell of it in the log."""
    cache = MetadataCache(prepared.state / "metadata.json")
    store = store_folder(prepared)
    kept = await trio.to_thread.run_sync(manifests_in, store)
    # Beside its models it may hold the embedded one, which is served only for want of others.
    folders = (*prepared.folders, *([store] if kept else ()))
    models = prepared.configuration.models
    found = await scan(
        tuple(dict.fromkeys(folders)), cache, files=configured_files(models), others=prepared.others
    )
    catalog = build_catalog(found.cards, models)
    for passed_over in found.passed_over:
        logger.info("passed over %s: %s", passed_over.path, passed_over.reason)
    for problem in catalog.problems:
        logger.warning("models_config.json: %s", problem)
    for key, model in catalog.models.items():
        logger.info("model %s (%s): %s", key, model.card.origin.store, model.card.path)
    if not catalog.models:
        logger.warning("no models were found in %s", ", ".join(map(str, prepared.folders)))
    return catalog


def _announce(options: Options, where: dict[str, str | None]) -> None:
    ready = {"pid": os.getpid(), **where}
    for name, address in where.items():
        logger.info("%s: %s", name, address or "off")
    if options.ready_file is not None:
        write_private(options.ready_file, json.dumps(ready))
    if options.json:
        print(json.dumps(ready), flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
