"""``stop``: end the program that serves."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress

import trio

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.asking import NotReached, Refused, ask
from llama_runner.commands.running import Running, read_running
from llama_runner.platforms.paths import state_folder

GONE_WITHIN = 60.0
LOOK_EVERY = 0.02


def stop(options: Options) -> ExitCode:
    """Ask the serving program to stop and wait until it has."""
    running = read_running(state_folder(options.state_dir))
    if running is None:
        _tell(options, "nothing is serving", stopped=False)
        return ExitCode.NORMAL
    _ask_to_stop(running)
    if not trio.run(_gone, running):
        _tell(options, f"process {running.pid} is still there", stopped=False)
        return ExitCode.BUG
    _tell(options, f"stopped (process {running.pid})", stopped=True)
    return ExitCode.NORMAL


def _ask_to_stop(running: Running) -> None:
    try:
        ask(running, "/api/stop", {})
    except (NotReached, Refused):
        # Windows has no such signal for another console's program.
        if sys.platform == "win32":
            raise
        with suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGTERM)


async def _gone(running: Running) -> bool:
    """Wait until it has ended, also where whoever started it has not taken note of that yet."""
    with trio.move_on_after(GONE_WITHIN):
        while running.lives:  # noqa: ASYNC110 - the system has no event for it
            await trio.sleep(LOOK_EVERY)
        return True
    return False


def _tell(options: Options, line: str, *, stopped: bool) -> None:
    print(json.dumps({"stopped": stopped, "detail": line}) if options.json else line)
