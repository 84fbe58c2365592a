"""``stop``: end the program that serves."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress

import psutil

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.asking import NotReached, ask
from llama_runner.commands.running import Running, read_running
from llama_runner.platforms.paths import state_folder

GONE_WITHIN = 60.0


def stop(options: Options) -> ExitCode:
    """Ask the serving program to stop and wait until it has."""
    running = read_running(state_folder(options.state_dir))
    if running is None:
        _tell(options, "nothing is serving", stopped=False)
        return ExitCode.NORMAL
    _ask_to_stop(running)
    with suppress(psutil.NoSuchProcess):
        try:
            psutil.Process(running.pid).wait(GONE_WITHIN)
        except psutil.TimeoutExpired:
            _tell(options, f"process {running.pid} is still there", stopped=False)
            return ExitCode.BUG
    _tell(options, f"stopped (process {running.pid})", stopped=True)
    return ExitCode.NORMAL


def _ask_to_stop(running: Running) -> None:
    try:
        ask(running, "/api/stop", "POST")
    except NotReached:
        # Windows has no such signal for another console's program.
        if sys.platform == "win32":
            raise
        os.kill(running.pid, signal.SIGTERM)


def _tell(options: Options, line: str, *, stopped: bool) -> None:
    print(json.dumps({"stopped": stopped, "detail": line}) if options.json else line)
