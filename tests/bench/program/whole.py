"""Runs the whole program in a process of its own, with whichever engine."""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from attrs import evolve, frozen

from tests.bench.asking import ask
from tests.bench.process import CHAT, HOST, Served
from tests.bench.tools.building import Tools
from tests.support.gguf_writer import write_gguf
from tests.support.served_program import PATIENCE, ServedProgram, Setup
from tests.support.served_program import served as serving

MODEL = "bench"
SLOTS = 1024
"""As many as there ever are streams: what waits in the queue is not measured."""
ONE_TOKEN: Mapping[str, Any] = {
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
    "max_tokens": 1,
    "bench_tokens": 1,
    "bench_rate": 0,
}


@frozen
class Whole:
    """A program that serves, and where it is asked."""

    program: ServedProgram
    served: Served

    def warmed(self) -> Served:
        """Have its model loaded; return it with its engine."""
        ask(self.served, ONE_TOKEN)
        return evolve(self.served, upstream=self.engine())

    def engine(self) -> Served:
        """Return the engine that it runs now, with the key to it."""
        for process in self.program.engines():
            words = process.cmdline()
            if "--port" in words:
                port = int(words[words.index("--port") + 1])
                key = process.environ()["LLAMA_API_KEY"]
                return Served(HOST, port, CHAT, self.served.model, process, key)
        raise RuntimeError("the program runs no engine")

    def processes(self) -> list[psutil.Process]:
        """Return all that it consists of, but for its engines."""
        engines = self.program.engines()
        others = [one for one in self.program.family() if one not in engines]
        assert self.served.process is not None
        return [self.served.process, *others]

    def stop(self) -> float:
        """Stop it; return how many seconds that took."""
        self.program.family()
        began = time.monotonic()
        if sys.platform == "win32":  # which knows no such signal
            self.program.setup.run("stop")
        else:
            self.program.process.send_signal(signal.SIGTERM)
        self.program.process.wait(PATIENCE)
        took = time.monotonic() - began
        self.program.ended()
        return took


@contextmanager
def whole_program(
    engine: str, models: Mapping[str, Any], app: Mapping[str, Any] | None = None
) -> Iterator[Whole]:
    """Serve these models (entries of models_config.json) until the block is left."""
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(Path(folder), engine, app or {}, {"models": dict(models)})
        with serving(setup) as program:
            address = urlsplit(program.lmstudio)
            assert address.hostname is not None and address.port is not None
            process = psutil.Process(program.process.pid)
            served = Served(address.hostname, address.port, CHAT, next(iter(models)), process)
            whole = Whole(program, served)
            yield whole
            if program.process.poll() is None:
                whole.stop()


@contextmanager
def scripted_program(
    tools: Tools,
    parameters: Mapping[str, Any],
    models: Sequence[str] = (MODEL,),
    app: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Iterator[Whole]:
    """Serve made-up models on the scripted upstream, to which ``parameters`` are flags.

    ``defaults`` go with every request, unless it says something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        entries = {}
        for model in models:
            file = write_gguf(Path(folder) / model / f"{model}.gguf")
            about = {"parameters": dict(parameters), "request_defaults": dict(defaults or {})}
            entries[model] = {"path": str(file), **about}
        engine = tools.engine_in(Path(folder))
        with whole_program(str(engine), entries, app) as whole:
            yield whole


@contextmanager
def ours(tools: Tools) -> Iterator[Served]:
    """Serve as the other relays are served: with slots for everyone, ready to answer."""
    with scripted_program(tools, {"parallel": SLOTS}) as whole:
        yield whole.warmed()
