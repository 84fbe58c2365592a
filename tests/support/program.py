"""The whole program in memory: client → front → relay → manager → pool → scripted engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
from attrs import define, field, frozen

from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.catalog import Catalog, CatalogModel, build_catalog
from llama_runner.concurrency.stop import Stop
from llama_runner.concurrency.watched import Watched
from llama_runner.config.app import AppConfig
from llama_runner.catalog.scanner import scan_here
from llama_runner.config.models import ModelConfig, ModelDefaults, ModelsConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event
from llama_runner.events.exchange import Exchange
from llama_runner.facades.dependencies import Dependencies
from llama_runner.http.front import Front, open_front
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.stall_watch import StallWatch
from llama_runner.model_control import ModelControl, vacate
from llama_runner.proxy_manager import FACADES, site_of
from llama_runner.relay.pulse import open_pulse
from llama_runner.relay.relay import Relay
from llama_runner.relay.relay_request import Task
from llama_runner.relay.target import Target
from llama_runner.relay.upstream_pool import connect_tcp
from llama_runner.runner.command import build_launch
from llama_runner.runner.context import context_of, with_context
from llama_runner.runner.engine import Engine, EngineKind
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner_manager import RunnerManager, open_runner_manager
from llama_runner.store.pulling import Puller
from llama_runner.store.pulls import open_pulls
from llama_runner.store.shelf import Shelf
from llama_runner.store.sources import sources_of
from llama_runner.store.store import open_store
from llama_runner.timeline_fields import timeline_fields
from tests.support.fake_child import FakeSpawner, fake_launch
from tests.support.fake_memory import FakeMemory, ram
from tests.support.http_client import RawClient
from tests.support.memory_network import MemoryNetwork, Serve
from tests.support.model_cards import model_card
from tests.support.scripted_engine import ScriptedEngine

CHAT = {"model": "a", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = {**CHAT, "stream": True}


@frozen
class RealEngine:
    """A real llama-server and model in place of the scripted ones."""

    command: tuple[str, ...]
    model: Path
    parameters: Mapping[str, str | int | float | bool]

    def launch(self) -> Launch:
        """Return a fresh launch of the model, under the name "a"."""
        (card,) = scan_here((), None, files=(self.model,)).cards
        engine = Engine(self.command, EngineKind.LLAMA_SERVER, "", "")
        config = ModelConfig(parameters=self.parameters)
        return build_launch(engine, "a", card, config, port=free_port(), inherited=os.environ)


@define(eq=False)
class Program:
    """What a test needs to reach of a running program."""

    network: MemoryNetwork
    engine: ScriptedEngine
    spawn: FakeSpawner
    runners: RunnerManager
    front: Front
    stop: Stop
    events: Broadcaster[Event]
    told: list[Event] = field(factory=list)
    clients: list[RawClient] = field(factory=list)

    def client(self) -> RawClient:
        """Return a new connection to the front."""
        client = RawClient(self.network.client())
        self.clients.append(client)
        return client

    @property
    def exchanges(self) -> list[Exchange]:
        """What was told of finished requests."""
        return [event for event in self.told if isinstance(event, Exchange)]


def chat_cards(names: Iterable[str]) -> list[ModelCard]:
    """Return the cards of chat models with these file stems."""
    return [model_card(path=Path(f"models/{name}/{name}.gguf"), folders=(name,)) for name in names]


def small_catalog(cards: Sequence[ModelCard], defaults: ModelDefaults | None = None) -> Catalog:
    """Return a catalog of these models."""
    return build_catalog(cards, ModelsConfig(defaults=defaults or ModelDefaults()))


@asynccontextmanager
async def open_program(
    *,
    engine: ScriptedEngine | None = None,
    spawn: FakeSpawner | None = None,
    config: AppConfig | None = None,
    cards: Sequence[ModelCard] = (),
    models: Iterable[str] = ("a", "b"),
    slots: int = 2,
    facade: str = "lmstudio",
    real: RealEngine | None = None,
    upstream: Serve | None = None,
    defaults: ModelDefaults | None = None,
    puller: Puller | None = None,
    folder: Path | None = None,
) -> AsyncIterator[Program]:
    """Run the program while the block lasts, in memory or in front of a real engine.

    It has the models of ``cards``, or chat models called ``models``.
    Its store is in ``folder``, if it has one.
    ``upstream`` serves the connections to the engine, if not a scripted one does.
    """
    engine, spawn = engine or ScriptedEngine(), spawn or FakeSpawner()
    config = config or AppConfig()
    catalog, events, stop = (
        Watched(small_catalog(cards or chat_cards(models), defaults)),
        Broadcaster[Event](),
        Stop(),
    )

    folder = folder or Path("no-such-folder")

    async def refresh() -> None:
        kept = scan_here((folder,)).cards
        catalog.set(small_catalog([*(cards or chat_cards(models)), *kept], defaults))
        await trio.lowlevel.checkpoint()

    def spec_of(model: CatalogModel) -> ModelSpec:
        make_launch = real.launch if real else lambda: fake_launch(model.key, slots=slots)
        return ModelSpec(
            model.key,
            slots,
            make_launch,
            lambda: ram(1),
            context=context_of(model),
            trained=model.card.context_length,
            larger_context=config.scheduling.larger_context,
            grown=lambda context: spec_of(with_context(model, context)),
        )

    def resolve(name: str) -> Target:
        model = catalog.value.resolve(name)
        defaults = model.config.request_defaults
        system, messages = model.card.origin.system, model.card.origin.messages
        return Target(
            model.key,
            spec_of(model),
            defaults,
            tuple(Task),
            model.capabilities,
            system=system,
            messages=messages,
        )

    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery, upstream or engine.serve)
        bound = config.relay.cancel_bound
        async with (
            open_runner_manager(
                FakeMemory(1, {}, spawn),
                system_spawner() if real else spawn,
                config.scheduling,
                bound,
                events,
                connect_tcp if real else network.connect,
                attendants=[StallWatch(config.scheduling.stall_limit).attend],
            ) as runners,
            open_pulse(config.relay.heartbeat_after, config.relay.heartbeat_every) as pulse,
            open_store(Shelf(folder), refresh, partial(vacate, runners)) as store,
            open_pulls(
                puller or Puller(store.shelf, sources_of(config.store), store.put, 1)
            ) as pulls,
        ):
            control = ModelControl(resolve, runners)
            relay = Relay(resolve, runners, config.relay, pulse, events.publish, control)
            dependencies = Dependencies(
                catalog,
                events,
                stop,
                lambda: {"listeners": {}, "models": []},
                partial(timeline_fields, runners.timeline, 0.0),
                control,
                pulls,
                store,
                "control",
                0,
            )
            site = site_of(FACADES[facade], config, dependencies, relay)
            async with open_front(site, stop) as front:
                network.front = front.serve
                program = Program(network, engine, spawn, runners, front, stop, events)
                nursery.start_soon(_note, events, program.told)
                await trio.lowlevel.checkpoint()
                try:
                    yield program
                finally:
                    for client in program.clients:
                        client.close()
        nursery.cancel_scope.cancel()


async def _note(events: Broadcaster[Event], told: list[Event]) -> None:
    with events.subscribe() as received:
        async for event in received:
            told.append(event)
