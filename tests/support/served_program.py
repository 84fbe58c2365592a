"""The program as people run it: a process of its own, with its files in a scratch folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from attrs import define, field, frozen

PATIENCE = 120
GRACE = 3.0
"""What the configuration's default lets running answers take at a stop."""
STOPPED_WITHIN = GRACE + 5

ANY_PORTS = ("--lmstudio-port", "0", "--ollama-port", "0", "--dashboard-port", "0")


@frozen
class Setup:
    """A scratch folder with all that one program reads and writes."""

    folder: Path
    engine: str = "embedded"
    app: Mapping[str, Any] = field(factory=dict)
    models: Mapping[str, Any] = field(factory=dict)

    @property
    def models_dir(self) -> Path:
        """The folder in which it looks for models."""
        return self.folder / "models"

    @property
    def ready_file(self) -> Path:
        """What it writes once it serves."""
        return self.folder / "ready.json"

    def options(self) -> tuple[str, ...]:
        """Write both configuration files; return the options that go with every command."""
        config, state = self.folder / "config", self.folder / "state"
        for made in (config, self.models_dir):
            made.mkdir(parents=True, exist_ok=True)
        logging = {"dir": str(self.folder / "logs"), **self.app.get("logging", {})}
        app = {**self.app, "logging": logging}
        (config / "app_config.json").write_text(json.dumps(app), "utf-8")
        (config / "models_config.json").write_text(json.dumps(self.models), "utf-8")
        return (
            *("--config-dir", str(config), "--state-dir", str(state)),
            *("--models-dir", str(self.models_dir), "--engine", self.engine),
        )

    def run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            argv_of(command, *self.options(), *more),
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )


@define(eq=False)
class ServedProgram:
    """One program that serves, and what it said when it was ready."""

    setup: Setup
    process: subprocess.Popen[str]
    ready: Mapping[str, Any]
    log: Path
    _seen: set[psutil.Process] = field(factory=set, init=False)

    @property
    def lmstudio(self) -> str:
        """The address of the LM Studio listener."""
        return str(self.ready["lmstudio"])

    @property
    def ollama(self) -> str:
        """The address of the Ollama listener."""
        return str(self.ready["ollama"])

    @property
    def said(self) -> str:
        """What it told on its console so far."""
        return self.log.read_text("utf-8", "replace")

    def family(self) -> list[psutil.Process]:
        """Return all that it started: engines, what those started, and the lifeline's watcher."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self._seen.update(found)
        return found

    def engines(self) -> list[psutil.Process]:
        """Return all that it started but the watcher."""
        return [process for process in self.family() if not _is_watcher(process)]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.family()
        self.process.send_signal(number)

    def stop(self, within: float = STOPPED_WITHIN) -> None:
        """Stop it and make sure that it ends well, in time, and leaves nothing behind."""
        self.signal(signal.SIGTERM)
        self.ended(within)

    def ended(self, within: float = STOPPED_WITHIN) -> None:
        """Wait until it has ended; make sure that it ended well and that no engine is left."""
        code = self.process.wait(within)
        assert code == 0, f"it ended with code {code}: {self.said[-4000:]}"
        assert_gone(self._seen, within=0)


@contextmanager
def served(setup: Setup, *ports: str) -> Iterator[ServedProgram]:
    """Serve until the block is left, then stop as ``ServedProgram.stop`` does, if not yet done.

    ``ports`` are options, any free ports unless given.
    """
    argv = argv_of("start", *setup.options(), *(ports or ANY_PORTS), "--json")
    log = setup.folder / "console.log"
    with (
        log.open("ab") as console,
        subprocess.Popen(
            [*argv, "--ready-file", str(setup.ready_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=console,
            encoding="utf-8",
        ) as process,
    ):
        try:
            program = ServedProgram(setup, process, _await_ready(process, log), log)
            yield program
            if process.poll() is None:
                program.stop()
        finally:
            process.kill()


def assert_gone(processes: Iterable[psutil.Process], within: float) -> None:
    """Make sure that none of these runs any longer, though nobody may have asked for its code."""
    _, left = psutil.wait_procs(list(processes), within)
    running = [process for process in left if _runs(process)]
    assert not running, f"these still run: {running}"


def _is_watcher(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(word.endswith("lifeline_watcher.py") for word in process.cmdline())
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def argv_of(*arguments: str) -> list[str]:
    """Return the command line that runs the program with these arguments."""
    return [sys.executable, "-m", "llama_runner", *arguments]


def _await_ready(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    with ThreadPoolExecutor(1) as reader:
        line = reader.submit(process.stdout.readline)
        try:
            ready = line.result(PATIENCE)
        except TimeoutError:
            process.kill()  # which ends the read, and so the thread
            raise
    assert ready, f"it did not start: {log.read_text('utf-8', 'replace')[-4000:]}"
    fields: dict[str, Any] = json.loads(ready)
    return fields
