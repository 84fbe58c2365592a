"""Asks a serving program over its dashboard's port."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from llama_runner.commands.running import Running
from llama_runner.errors import LlamaRunnerError

ANSWER_WITHIN = 10.0

# A proxy named in the environment is no way to a program on this machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotReached(LlamaRunnerError):
    """The program that serves did not answer."""


def ask(running: Running, path: str, method: str = "GET") -> Any:
    """Return the JSON answer of the serving program.

    Raises:
        NotReached: its dashboard is off, or it does not answer.

    """
    if not running.addresses:
        raise NotReached(f"the program (process {running.pid}) is still starting")
    base = running.addresses.get("dashboard")
    if base is None:
        raise NotReached("its dashboard is off, so it cannot be asked; use Ctrl-C or a signal")
    request = urllib.request.Request(
        base + path,
        method=method,
        headers={"Authorization": f"Bearer {running.control_key}"},
        data=b"" if method == "POST" else None,
    )
    try:
        with _direct.open(request, timeout=ANSWER_WITHIN) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise NotReached(f"the program (process {running.pid}) does not answer: {error}") from error
