"""The engine without us: started as the program would start it, and asked at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
from attrs import frozen

from llama_runner.catalog.scanner import scan_here
from llama_runner.config.models import ModelConfig
from llama_runner.embedded_model import ensure_embedded_model
from llama_runner.platforms.paths import state_folder
from llama_runner.runner.child_protocol import EXIT_LINE, ChildReady, MessageReader
from llama_runner.runner.command import build_launch
from llama_runner.runner.engine import Engine, EngineKind, resolve_engine
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import free_port
from tests.bench.process import CHAT, HOST, Served

ENGINE_VARIABLE = "LLAMA_RUNNER_TEST_ENGINE"
MODEL = "smollm2"
READY_WITHIN, STOP_WITHIN = 60, 10


@frozen
class RealEngine:
    """A real llama-server, or the embedded one, and a small model for it."""

    engine: Engine
    model: Path

    @property
    def name(self) -> str:
        """What ``--engine`` takes for it."""
        embedded = self.engine.kind is EngineKind.EMBEDDED
        return EngineKind.EMBEDDED.value if embedded else self.engine.command[0]

    @property
    def told(self) -> str:
        """What the figures call it: not where it lies on the machine that they are from."""
        embedded = self.engine.kind is EngineKind.EMBEDDED
        return self.engine.description if embedded else Path(self.engine.command[0]).name

    def launch(self) -> Launch:
        """Return a fresh launch, as the program makes one."""
        (card,) = scan_here((), None, files=(self.model,)).cards
        environment = os.environ
        return build_launch(
            self.engine, MODEL, card, ModelConfig(), port=free_port(), inherited=environment
        )


def find_engine() -> RealEngine:
    """Return the engine that the environment names, the one on PATH, or the embedded one.

    Raises:
        ConfigError: there is no engine, or no model for it.
    """
    engine = resolve_engine(os.environ.get(ENGINE_VARIABLE), "")
    return RealEngine(engine, ensure_embedded_model(state_folder(), lambda line: None))


@contextmanager
def bare_engine(launch: Launch) -> Iterator[Served]:
    """Run an engine; the block is entered the moment that it says it is ready.

    Raises:
        RuntimeError: it ended before that, or does not speak the child protocol.
    """
    with subprocess.Popen(
        launch.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(launch.environment),
    ) as process:
        try:
            _await_ready(process)
            measured = psutil.Process(process.pid)
            yield Served(HOST, launch.port, CHAT, MODEL, measured, launch.api_key)
            process.communicate(EXIT_LINE, STOP_WITHIN)
        finally:
            process.kill()


def _await_ready(process: subprocess.Popen[bytes]) -> None:
    with ThreadPoolExecutor(1) as reader:
        ready = reader.submit(_says_ready, process)
        try:
            if ready.result(READY_WITHIN):
                return
        except TimeoutError:
            process.kill()  # which ends the read, and so the thread
    raise RuntimeError("the engine did not say that it is ready")


def _says_ready(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdout is not None
    reader = MessageReader()
    heard = (message for line in process.stdout for message in reader.feed(line).messages)
    return any(isinstance(message, ChildReady) for message in heard)
