"""The whole program on Windows, started as a person there would start it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import PIPE
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import psutil
import trio
from attrs import define, field, frozen
from trio.abc import ReceiveStream

CHECKOUT = Path(__file__).resolve().parents[2]
SHIPPED = ("main.py", "llama_runner", "config", "requirements.lock")
PATIENCE = 120
GONE_WITHIN = 1.0
ANY_PORTS = ("--lmstudio-port", "0", "--ollama-port", "0", "--dashboard-port", "0")
CHAT = {"messages": [{"role": "user", "content": "Tell me a story."}]}
ENDLESS = {**CHAT, "stream": True, "max_tokens": 4000, "ignore_eos": True}


@frozen
class Installed:
    """A copy of what we ship, in a user's folder."""

    folder: Path

    @property
    def main(self) -> Path:
        """The root's main.py."""
        return self.folder / "main.py"

    @property
    def state(self) -> Path:
        """The state folder of its programs."""
        return self.folder.parent / "state"

    def by_bootstrap(self) -> tuple[str, ...]:
        """Return what `py -3.11 main.py` runs."""
        return (sys.executable, str(self.main))

    def by_package(self) -> tuple[str, ...]:
        """Return what the bootstrap runs."""
        return (sys.executable, "-P", "-m", "llama_runner")

    @property
    def environment(self) -> dict[str, str]:
        """Our environment, in which this Python is one that somebody chose, with all it needs."""
        return {**os.environ, "CONDA_PREFIX": sys.prefix, "PYTHONPATH": str(self.folder)}

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run main.py to its end; return its exit code and all it said."""
        command = (*self.by_bootstrap(), *arguments)
        process = await open_piped(command, self.environment)
        said = bytearray()
        with trio.fail_after(PATIENCE):
            async with process.stdin, trio.open_nursery() as nursery:  # type: ignore[union-attr]
                nursery.start_soon(keep, process.stdout, said)
                nursery.start_soon(keep, process.stderr, said)
                code = await process.wait()
        return code, said.decode("utf-8", "replace")


@define(eq=False)
class Served:
    """A program that serves."""

    process: trio.Process
    ready: Mapping[str, Any]
    client: httpx.AsyncClient
    said: bytearray = field(repr=False)

    @property
    def pid(self) -> int:
        """The process that serves, which the bootstrap's is not."""
        return int(self.ready["pid"])

    def engines(self) -> list[psutil.Process]:
        """Return its engines; a console of their own is a process too."""
        return [*filter(_is_engine, psutil.Process(self.pid).children(recursive=True))]

    async def status(self) -> Any:
        """Return what the dashboard tells."""
        return (await self.client.get(f"{self.ready['dashboard']}/api/status")).json()

    @asynccontextmanager
    async def stream(self, fields: Mapping[str, Any]) -> AsyncIterator[AsyncIterator[str]]:
        """Ask for a chat and yield the lines of the answer; leaving the block hangs up."""
        url = f"{self.ready['lmstudio']}/v1/chat/completions"
        async with self.client.stream("POST", url, json=fields) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield answer.aiter_lines()

    async def ended(self) -> int:
        """Wait for the end of the process that we started; return its exit code."""
        with trio.fail_after(PATIENCE):
            return await self.process.wait()


def install(home: Path) -> Installed:
    """Copy what we ship into a user's folder, once."""
    installed = Installed(home / "LlamaRunner Pro" / "checkout")
    if not installed.main.exists():
        installed.folder.mkdir(parents=True)
        for name in SHIPPED:
            source, target = CHECKOUT / name, installed.folder / name
            if source.is_dir():
                leave = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, target, ignore=leave)
            else:
                shutil.copyfile(source, target)
    return installed


@asynccontextmanager
async def served(
    installed: Installed, *options: str, command: Sequence[str] = ()
) -> AsyncIterator[Served]:
    """Serve until the block is left; then end what still runs, hard."""
    arguments = ("start", "--json", "--state-dir", str(installed.state), *ANY_PORTS, *options)
    argv = (*(command or installed.by_bootstrap()), *arguments)
    process = await open_piped(argv, installed.environment)
    said = bytearray()
    async with (
        trio.open_nursery() as nursery,
        httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client,
    ):
        try:
            nursery.start_soon(keep, process.stderr, said)
            ready = json.loads(await _first_line(process, said))
            yield Served(process, ready, client, said)
        finally:
            process.kill()
            with trio.move_on_after(PATIENCE, shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()


async def open_piped(command: Sequence[str], environment: Mapping[str, str]) -> trio.Process:
    """Start a process with three pipes; a Windows Python under Wine bears nothing else."""
    return await trio.lowlevel.open_process(
        command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )


async def keep(stream: ReceiveStream | None, said: bytearray) -> None:
    """Take what a process says until it ends."""
    assert stream is not None
    async with stream:
        async for chunk in stream:
            said += chunk


def _is_engine(process: psutil.Process) -> bool:
    # One that is just being born, or dying, has no command line to read.
    with suppress(psutil.Error, OSError):
        return any(word.endswith("llama-server.exe") for word in process.cmdline()[:1])
    return False


async def _first_line(process: trio.Process, said: bytearray) -> bytes:
    assert process.stdout is not None
    line = b""
    with trio.fail_after(PATIENCE):
        while b"\n" not in line:
            chunk = await process.stdout.receive_some(65536)
            assert chunk, f"it did not start: {said.decode('utf-8', 'replace')[-4000:]}"
            line += chunk
    return line


async def gone_after(processes: Sequence[psutil.Process]) -> float:
    """Wait until none of these runs; return how long that took."""
    began = trio.current_time()
    with trio.fail_after(PATIENCE):
        while any(process.is_running() for process in processes):  # noqa: ASYNC110 - not ours
            await trio.sleep(0.01)
    return trio.current_time() - began
