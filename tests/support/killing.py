"""Kills a serving program at a chosen moment and counts who is left a second later."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from attrs import frozen

from tests.support.served_program import PATIENCE, ServedProgram

GONE_WITHIN = 1.0

CHAT = {"model": "chat", "stream": True, "max_tokens": 3000, "ignore_eos": True}

# Every 30 ms of its load are followed by a stop of ten times that. The loop is a grandchild.
SLOWED = """#!/bin/sh
( while kill -STOP $$; do sleep 0.3; kill -CONT $$; sleep 0.03; done ) 2>/dev/null &
exec {engine} "$@"
"""
# Job control, which only bash has without a terminal, gives the engine a group of its own;
# setsid gives a helper a session of its own.
WRAPPED = """#!/bin/bash
set -m
exec 3<&0
setsid sleep 600 3<&- &
sleep 600 3<&- &
{engine} "$@" <&3 &
wait %3
"""


@frozen
class Killed:
    """One kill: in which phase, and what was left."""

    phase: str
    processes: int
    gone_after: float | None
    """Seconds until nothing of the program was left; None: something still is."""


def script(path: Path, text: str, engine: tuple[str, ...]) -> Path:
    """Write an engine that is a script around the real one."""
    quoted = " ".join(f"'{word}'" for word in engine)
    path.write_text(text.format(engine=quoted), "utf-8")
    path.chmod(0o755)
    return path


@contextmanager
def asked(program: ServedProgram, prompt: str) -> Iterator[Iterator[bytes]]:
    """Ask for a long streamed answer; yield its lines as they come."""
    address = urlsplit(program.lmstudio)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)
    body: dict[str, Any] = {**CHAT, "messages": [{"role": "user", "content": prompt}]}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield answer
    finally:
        connection.close()


def until(lines: Iterator[bytes], *beginnings: bytes) -> bytes:
    """Read until a line begins with one of these."""
    for line in lines:
        if line.startswith(beginnings):
            return line
    raise AssertionError(f"the answer ended before {beginnings!r}")


def kill(program: ServedProgram, phase: str) -> Killed:
    """Kill the program, and nothing but the program; wait until nothing of it is left."""
    family = set(program.family())
    program.process.kill()
    program.process.wait(PATIENCE)
    began = time.monotonic()
    folder = str(program.setup.folder)
    while True:
        left = [one for one in family | _named(folder) if runs(one)]
        after = time.monotonic() - began
        if not left or after > GONE_WITHIN:
            return Killed(phase, len(family), None if left else after)
        psutil.wait_procs(left, 0.02)


def _named(folder: str) -> set[psutil.Process]:
    """Return whoever has our folder on its command line, whether or not we saw it start."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(folder in word for word in process.cmdline()):
                found.add(process)
    return found


def runs(process: psutil.Process) -> bool:
    """Report whether a process has not ended, even if nobody has taken note of its end."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
