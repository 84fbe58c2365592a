"""What an engine is beside its answers: its flags, its loading, and what it tells of itself."""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any

from attrs import define, field

STATE = "cmd_child_to_router:state:"
LOADING = {"stages": ["text_model"], "current": "text_model", "value": 0}


@define(eq=False)
class Engine:
    """As engine.h: with flags it is one that a program may start."""

    port: int
    slots: int = 1
    context: int = 4096
    loads_for: float = 0.0
    speaks: bool = False
    key: str = ""
    ready_at: int = field(default=0, init=False)
    first_asked_at: int = field(default=0, init=False)

    @property
    def launched(self) -> bool:
        """Whether a program started it."""
        return bool(self.key)

    def say(self, state: str, payload: Any) -> None:
        """Tell the program that started it, if it speaks with it."""
        if self.speaks:
            print(STATE + json.dumps({"state": state, "payload": payload}), flush=True)

    def become_ready(self) -> None:
        """Serve from now on."""
        self.ready_at = time.monotonic_ns()
        self.say("ready", {})

    def tell(self, head: bytes, busy: int, counts: dict[str, int]) -> tuple[int, Any]:
        """Return status and answer of a GET: as llama-server does, or what was counted."""
        path = head.split(b" ", 2)[1].decode("latin-1")
        settings = {"n_ctx": self.context // self.slots}
        known: dict[str, Any] = {
            "/health": {"status": "ok"},
            "/props": {"total_slots": self.slots, "default_generation_settings": settings},
            "/slots": [{"id": n, "is_processing": n < busy} for n in range(self.slots)],
        }
        if path not in known:
            times = {"ready_at": self.ready_at, "first_asked_at": self.first_asked_at}
            return 200, {**counts, "busy": busy, **times}
        if path != "/health" and self.key.encode() not in head:
            return 401, {}
        return (200, known[path]) if self.ready_at else (503, {})


def engine_of(arguments: list[str]) -> Engine:
    """Read ``PORT``, or the flags of a llama-server; others than these are passed over."""
    if not arguments[0].startswith("--"):
        return Engine(int(arguments[0]))
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--ctx-size", type=int, default=4096)
    parser.add_argument("--bench-silent", action="store_true")
    parser.add_argument("--bench-loads-for", type=int, default=0)
    given, _ = parser.parse_known_args(arguments)
    return Engine(
        given.port,
        given.parallel,
        given.ctx_size,
        given.bench_loads_for / 1000,
        not given.bench_silent,
        os.environ["LLAMA_API_KEY"],
    )
