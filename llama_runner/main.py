"""The nursery tree: everything that runs, in the order it starts.

Read ``serve`` downwards for the order of starting, upwards for the order of
stopping: listeners drain, then runners die, then the lifeline is let go, then
the log falls silent.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import trio
from attrs import frozen

from llama_runner.catalog.catalog import Catalog, CatalogModel
from llama_runner.concurrency.stop import Stop
from llama_runner.concurrency.watched import Watched
from llama_runner.config.configuration import Configuration
from llama_runner.config.keep_alive import idle_seconds
from llama_runner.errors import ShuttingDown
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event, ProgramStopping
from llama_runner.events.exchange import Exchange
from llama_runner.facades.dependencies import Dependencies
from llama_runner.lending.appraisal import Appraiser
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.preloading import preload
from llama_runner.lending.slot_archive import FOLDER, SlotArchive
from llama_runner.lending.slot_keeping import SlotKeeping
from llama_runner.lending.stall_watch import StallWatch
from llama_runner.memory.experience_file import FILE_NAME, ExperienceFile
from llama_runner.memory.gpu import open_gpus
from llama_runner.memory.inventory import MemoryWatch
from llama_runner.model_control import ModelControl, vacate
from llama_runner.proxy_manager import serve_facades
from llama_runner.relay.pulse import open_pulse
from llama_runner.relay.relay import Relay
from llama_runner.runner.child import Spawner
from llama_runner.runner.command import build_launch, slot_count
from llama_runner.runner.context import context_of, with_context
from llama_runner.runner.engine import Engine
from llama_runner.runner.flags import canonical
from llama_runner.runner.lifetime import open_lifetime
from llama_runner.runner.port import free_port
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from llama_runner.status import status_fields
from llama_runner.store.pieces import PIECE
from llama_runner.store.pulling import Puller
from llama_runner.store.pulls import Pulls, open_pulls
from llama_runner.store.shelf import Shelf
from llama_runner.store.sources import sources_of
from llama_runner.store.store import Refresh, Store, open_store
from llama_runner.targets import Targets
from llama_runner.timeline_fields import timeline_fields

logger = logging.getLogger(__name__)


@frozen
class Parts:
    """What the program is made of, before anything runs."""

    configuration: Configuration
    engine: Engine
    catalog: Catalog
    spawn: Spawner
    state: Path
    models: Path
    rescan: Callable[[], Awaitable[Catalog]]
    bound: Mapping[str, socket.socket]
    addresses: Mapping[str, str | None]
    control_key: str


async def serve(  # noqa: ASYNC128 - serve_facades reports for it
    parts: Parts,
    stop: Stop,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the program until ``stop``; report once every listener serves."""
    with open_gpus() as gpus:
        await _serve(parts, stop, MemoryWatch(gpus), task_status)


async def _serve(  # noqa: ASYNC128 - serve_facades reports for it
    parts: Parts, stop: Stop, memory: MemoryWatch, served: trio.TaskStatus[None]
) -> None:
    app = parts.configuration.app
    events: Broadcaster[Event] = Broadcaster()
    catalog = Watched(parts.catalog)
    appraiser = Appraiser(parts.engine, memory, ExperienceFile(parts.state / FILE_NAME))
    archive = SlotArchive(app.slot_archive, parts.engine, parts.state / FOLDER)
    keeping = SlotKeeping(archive)
    async with trio.open_nursery() as application:
        async with (
            open_lifetime(parts.spawn, parts.state) as spawn,
            open_runner_manager(
                memory.look,
                spawn,
                app.scheduling,
                app.relay.cancel_bound,
                events,
                reserve=memory.reserve(app.memory),
                attendants=[
                    keeping.attend,
                    appraiser.attend,
                    StallWatch(app.scheduling.stall_limit).attend,
                ],
            ) as runners,
            open_pulse(app.relay.heartbeat_after, app.relay.heartbeat_every) as pulse,
            open_store(
                Shelf(parts.models), _refresher(parts, catalog), partial(vacate, runners)
            ) as store,
            open_pulls(_puller(parts, store)) as pulls,
        ):
            announce = partial(_announce_stop, stop, runners, pulls, keeping, events)
            # A stop can be hurried while the runners are being stopped.
            application.start_soon(announce)  # noqa: ASYNC111 - it outlives the runners
            spec_of = _launcher(parts, appraiser, archive)
            wanted = [model for model in catalog.value.models.values() if model.config.preload]
            specs = map(spec_of, wanted)
            application.start_soon(preload, runners, specs)  # noqa: ASYNC111 - a stop refuses it

            def publish(exchange: Exchange) -> None:
                archive.note(exchange)
                events.publish(exchange)

            resolve = Targets(catalog, spec_of).resolve
            control = ModelControl(resolve, runners)
            relay = Relay(resolve, runners, app.relay, pulse, publish, control)
            dependencies = Dependencies(
                catalog,
                events,
                stop,
                lambda: status_fields(
                    parts.engine, parts.addresses, catalog.value, runners, archive
                ),
                partial(timeline_fields, runners.timeline, time.time() - trio.current_time()),
                control,
                pulls,
                store,
                parts.control_key,
                int(time.time()),
            )
            await serve_facades(parts.bound, app, dependencies, relay, task_status=served)
        application.cancel_scope.cancel()


async def stop_on_signal(
    stop: Stop, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Request the stop at the first signal, hurry it at the second."""
    wanted = {signal.SIGINT, signal.SIGTERM}
    if sys.platform == "win32":
        wanted.add(signal.SIGBREAK)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # The terminal was closed; under nohup that is none of our business.
        wanted.add(signal.SIGHUP)
    with trio.open_signal_receiver(*wanted) as signals:
        task_status.started()
        async for number in signals:
            logger.info("stopping (%s)", signal.Signals(number).name)
            stop.request()


def new_control_key() -> str:
    """Return the key with which this program's own command line is let in."""
    return token_urlsafe(24)


async def _announce_stop(
    stop: Stop,
    runners: RunnerManager,
    pulls: Pulls,
    keeping: SlotKeeping,
    events: Broadcaster[Event],
) -> None:
    await stop.requested.wait()
    # Whoever still waits is told now; it would only hold up the drain.
    runners.refuse(ShuttingDown("the program is stopping"))
    pulls.refuse(ShuttingDown("the program is stopping"))
    events.publish(ProgramStopping())
    await stop.hurried.wait()
    keeping.hurry()
    runners.hurry()


def _refresher(parts: Parts, catalog: Watched[Catalog]) -> Refresh:
    """Return what looks for models anew."""

    async def refresh() -> None:
        catalog.set(await parts.rescan())

    return refresh


def _puller(parts: Parts, store: Store) -> Puller:
    """Return what fetches models into the first models folder, and puts them into the catalog."""
    sources = sources_of(parts.configuration.app.store)
    return Puller(store.shelf, sources, store.put, PIECE)


Launcher = Callable[[CatalogModel], ModelSpec]


def _launcher(parts: Parts, appraiser: Appraiser, archive: SlotArchive) -> Launcher:
    """Return what turns a model of the catalog into what the runner manager needs."""
    scheduling = parts.configuration.app.scheduling

    def spec_of(model: CatalogModel, note: str = "") -> ModelSpec:
        def make_launch() -> Any:
            return build_launch(
                parts.engine,
                model.key,
                model.card,
                model.config,
                port=free_port(),
                inherited=os.environ,
                ready_within=scheduling.load_timeout,
                slot_folder=archive.folder_for(model),
            )

        def grown(context: int) -> ModelSpec:
            return spec_of(with_context(model, context), f"a context of {context} tokens")

        slots = slot_count(canonical(model.config.parameters))
        chosen, other = model.config.keep_alive, model.fallback
        fallback = None
        if other is not None:
            fallback = spec_of(other, _noted(note, model.config.fallbacks[0]))
        return ModelSpec(
            model.key,
            slots,
            make_launch,
            partial(appraiser.footprint, model),
            idle_seconds(scheduling.keep_alive if chosen is None else chosen),
            model.config.pinned,
            fallback,
            note,
            context_of(model),
            model.card.context_length,
            model.config.larger_context or scheduling.larger_context,
            grown,
        )

    return spec_of


def _noted(before: str, changed: Mapping[str, object]) -> str:
    """Return in words how a fallback is launched, on top of what the ones before it changed."""
    return ", ".join([*filter(None, [before]), *(f"{flag} {changed[flag]}" for flag in changed)])
