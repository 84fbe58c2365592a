"""The program's own request path: listener, front, relay, manager and pool.

Only the runner is made up: its launch points at the scripted upstream.
"""

from __future__ import annotations

import secrets
import socket
import time
from pathlib import Path

import trio

from llama_runner.catalog.catalog import build_catalog
from llama_runner.concurrency.stop import Stop
from llama_runner.concurrency.watched import Watched
from llama_runner.config.app import AppConfig
from llama_runner.config.models import ModelsConfig
from llama_runner.events.broadcaster import Broadcaster
from llama_runner.events.event import Event
from llama_runner.facades.dependencies import Dependencies
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.platforms.memory import look_for_garbage_seldom
from llama_runner.proxy_manager import serve_facades
from llama_runner.relay.relay import Relay
from llama_runner.relay.target import Target
from llama_runner.runner_manager import open_runner_manager
from tests.bench.serving import run
from tests.support.fake_child import FakeSpawner, fake_launch
from tests.support.model_cards import model_card

MODEL = "bench"
SLOTS = 1024
"""As many as there ever are streams: what waits in the queue is not measured."""


async def serve(sock: socket.socket, upstream: int, ended: trio.Event) -> None:
    """Serve on ``sock`` until ``ended``, then stop as the program does."""
    look_for_garbage_seldom()  # as the start does
    stop, config = Stop(), AppConfig()
    events: Broadcaster[Event] = Broadcaster()
    card = model_card(path=Path(f"models/{MODEL}/{MODEL}.gguf"), folders=(MODEL,))
    catalog = Watched(build_catalog([card], ModelsConfig()))
    launch = fake_launch(MODEL, port=upstream, api_key=secrets.token_urlsafe(24), slots=SLOTS)

    def resolve(name: str) -> Target:
        model = catalog.value.resolve(name)
        spec = ModelSpec(model.key, SLOTS, lambda: launch)
        return Target(model.key, spec, model.config.request_defaults)

    async with open_runner_manager(
        1, FakeSpawner(), config.scheduling, config.relay.cancel_bound, events
    ) as runners:
        relay = Relay(resolve, runners, config.relay, events.publish)
        dependencies = Dependencies(catalog, events, stop, dict, "control", int(time.time()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve_facades, {"lmstudio": sock}, config, dependencies, relay)
            await ended.wait()
            stop.request()


if __name__ == "__main__":
    run(serve)
