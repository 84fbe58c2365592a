"""Runners over real engines."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import psutil
import trio
from attrs import evolve, frozen

from llama_runner.config.models import ModelConfig
from llama_runner.runner.command import build_launch
from llama_runner.runner.engine import resolve_engine
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port
from llama_runner.runner.runner import Runner
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner.state import Exited, Ready
from tests.support.model_cards import model_card

ENGINES = ["embedded", *filter(None, [os.environ.get("LLAMA_RUNNER_TEST_ENGINE")])]
# While the embedded engine loads, and an instant longer, the kernel ends it when its stdin stirs.
WATCHED = {-getattr(signal, "SIGIO", 0)}
PATIENCE = 120


@frozen
class Here:
    """An engine and a model."""

    engine: str
    model: Path

    def launch(self, *more: str, model: Path | None = None) -> Launch:
        """Return a launch of this engine, with arguments of any kind."""
        made = build_launch(
            resolve_engine(self.engine, ""),
            "smol",
            model_card(path=model or self.model),
            ModelConfig(parameters={"ctx-size": 4096, "parallel": 2}),
            port=free_port(),
            inherited=os.environ,
        )
        return evolve(made, command=(*made.command, *more))

    def runner(self, launch: Callable[[], Launch] | None = None) -> Runner:
        """Return a runner of this engine."""
        return Runner(launch or self.launch, system_spawner())


@asynccontextmanager
async def running(runner: Runner) -> AsyncIterator[Ready]:
    """Run it until it is ready; stop it at the end of the block."""
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(runner.run)
            state = await runner.state.wait_for(lambda state: isinstance(state, Ready))
            assert isinstance(state, Ready)
            yield state
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def endless_story(launch: Launch, beginning: str = "Once") -> AsyncIterator[httpx.Response]:
    """Hold a stream open that does not end by itself; the engine has begun to read."""
    async with httpx.AsyncClient(
        base_url=launch.endpoint,
        headers={"authorization": f"Bearer {launch.api_key}"},
        timeout=PATIENCE,
        trust_env=False,
    ) as client:
        body = {"prompt": beginning, "stream": True, "n_predict": -1, "ignore_eos": True}
        # Its first event comes before the prompt has been read.
        body["return_progress"] = len(beginning) > len("Once")
        async with client.stream("POST", "/completion", json=body) as response:
            assert response.status_code == 200
            pieces = response.aiter_raw()
            await anext(pieces)
            yield response
            # A generator that nobody holds any more is closed, and with it the connection.
            del pieces


def exited(runner: Runner) -> Exited:
    state = runner.state.value
    assert isinstance(state, Exited)
    assert runner.child is None or not psutil.pid_exists(runner.child.pid)
    return state
