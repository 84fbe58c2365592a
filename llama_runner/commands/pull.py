"""``pull``: fetch a model."""

from __future__ import annotations

import json
import sys
import time

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.asking import Refused
from llama_runner.commands.ollama_port import Line, OllamaPort, with_port
from llama_runner.commands.pull_progress import PullProgress
from llama_runner.platforms.console_text import heeds_sequences, ready_streams


def pull(options: Options) -> ExitCode:
    """Have the serving program fetch a model, and tell how far it is.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: it cannot be fetched, and why.

    """
    ready_streams()
    progress = PullProgress(_write, time.monotonic, heeds_sequences(sys.stderr))
    last: Line = {}

    def take(line: Line) -> None:
        last.update(status=line.get("status"))
        if options.json:
            print(json.dumps(line), flush=True)
        else:
            progress.take(line)

    async def fetch(port: OllamaPort) -> None:
        await port.each_line("/api/pull", {"model": options.model}, take)

    try:
        with_port(options, fetch)
    except KeyboardInterrupt:
        progress.end()
        _write("interrupted; what was fetched is kept, and the same command goes on from there\n")
        return ExitCode.INTERRUPTED
    finally:
        progress.end()
    if last.get("status") != "success":
        raise Refused("the pull ended before it was done; the same command goes on from there")
    return ExitCode.NORMAL


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
