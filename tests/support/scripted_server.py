"""A stand-in for llama-server, in a process of its own, that answers as the request says.

A test writes it into its folder and names it to the program with --engine. It takes any
flag of llama-server's, heeds the key, speaks the child protocol, and has as many slots as
it is told. What it answers is scripted by the request: ``"scripted": {"tokens": 5,
"every": 0.1}`` holds the fields of a ``TokenScript``, with ``max_tokens`` for the tokens
where nothing else is said, and ``"until"`` for a file whose appearing ends the answer.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from tests.support.scripted_engine import Asked, EngineConnection, ScriptedEngine, TokenScript

STATE = "cmd_child_to_router:state:"
EXIT_LINE = "cmd_router_to_child:exit\n"
CHECKOUT = Path(__file__).parents[2]


def write_scripted_server(folder: Path, *, loads_for: float = 0.0) -> Path:
    """Write the program that --engine is to name; each load takes ``loads_for`` seconds."""
    command = [sys.executable, "-m", __name__, "--scripted-loads-for", str(loads_for)]
    program = folder / "llama-server"
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(CHECKOUT))} exec {shlex.join(command)} " '"$@"\n',
        "utf-8",
    )
    program.chmod(0o700)
    return program


@define(eq=False)
class ScriptedServer:
    """Routes what is asked of the engine; ``loaded`` once it serves."""

    slots: int
    context: int
    key: str
    loaded: bool = field(default=False, init=False)
    _busy: set[int] = field(factory=set, init=False)
    _freed: trio.Event = field(factory=trio.Event, init=False)

    async def __call__(self, asked: Asked, connection: EngineConnection) -> None:
        """Answer one request."""
        path = asked.path.partition("?")[0]
        if path == "/health":
            await self._say_if_loaded(connection, {"status": "ok"})
        elif asked.headers.get("authorization") != f"Bearer {self.key}":
            await connection.whole(401, {"error": {"code": 401, "message": "Invalid API Key"}})
        elif path == "/props":
            settings = {"n_ctx": self.context // self.slots}
            fields = {"total_slots": self.slots, "default_generation_settings": settings}
            await self._say_if_loaded(connection, fields)
        elif path == "/slots":
            slots = [{"id": n, "is_processing": n in self._busy} for n in range(self.slots)]
            await self._say_if_loaded(connection, slots)
        else:
            await self._generate(asked, connection)

    async def _say_if_loaded(self, connection: EngineConnection, fields: Any) -> None:
        loading = {"error": {"code": 503, "message": "Loading model"}}
        await connection.whole(*((200, fields) if self.loaded else (503, loading)))

    async def _generate(self, asked: Asked, connection: EngineConnection) -> None:
        slot = await self._take_slot()
        try:
            given = {"tokens": asked.body.get("max_tokens", 3), **asked.body.get("scripted", {})}
            until = given.pop("until", None)
            script = TokenScript(**given)
            async with trio.open_nursery() as nursery:
                if until:
                    nursery.start_soon(_end_at, Path(until), script)
                await script(asked, connection)
                nursery.cancel_scope.cancel()
        finally:
            self._busy.discard(slot)
            self._freed.set()

    async def _take_slot(self) -> int:
        while not (idle := set(range(self.slots)) - self._busy):
            self._freed = trio.Event()
            await self._freed.wait()
        self._busy.add(slot := min(idle))
        return slot


async def _end_at(file: Path, script: TokenScript) -> None:
    while not file.exists():  # noqa: ASYNC110, ASYNC240 - no event, no waiting
        await trio.sleep(0.02)
    script.tokens = 0


async def serve(options: argparse.Namespace) -> None:
    """Load, serve, and end the process when we are told to or nobody could tell us any more."""
    server = ScriptedServer(options.parallel, options.ctx_size, os.environ.get("LLAMA_API_KEY", ""))
    engine = ScriptedEngine(server)

    async def accepted(stream: trio.SocketStream) -> None:
        plain = socket.socket(fileno=stream.socket.detach())
        plain.setblocking(False)
        await engine.serve(plain)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_end_when_told)
        await nursery.start(
            partial(trio.serve_tcp, accepted, options.port, host=options.host, backlog=1024)
        )
        await _load(options.scripted_loads_for)
        server.loaded = True
        _tell({"state": "ready", "payload": {"id": options.alias}})


async def _load(seconds: float, steps: int = 4) -> None:
    stage = {"stages": ["text_model"], "current": "text_model"}
    for step in range(steps):
        _tell({"state": "loading", "payload": {**stage, "value": step / steps}})
        await trio.sleep(seconds / steps)


def _tell(state: dict[str, Any]) -> None:
    print(STATE + json.dumps(state), flush=True)


async def _end_when_told() -> None:
    line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    os._exit(0 if line == EXIT_LINE else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--alias", default="scripted")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--ctx-size", type=int, default=4096)
    parser.add_argument("--scripted-loads-for", type=float, default=0.0)
    return parser.parse_known_args()[0]


if __name__ == "__main__":
    trio.run(serve, _options())
