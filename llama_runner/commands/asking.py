"""Asks a serving program over its dashboard's port."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from llama_runner.commands.running import Running, read_running
from llama_runner.config.options import Options
from llama_runner.errors import LlamaRunnerError
from llama_runner.platforms.paths import state_folder

ANSWER_WITHIN = 10.0

# A proxy named in the environment is no way to a program on this machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotReached(LlamaRunnerError):
    """The program that serves did not answer."""


class Refused(LlamaRunnerError):
    """The program that serves would not do what it was asked to."""


def ask(
    running: Running,
    path: str,
    fields: Mapping[str, Any] | None = None,
    *,
    within: float | None = ANSWER_WITHIN,
) -> Any:
    """Return the JSON answer of the serving program, to a POST where there are ``fields``.

    Raises:
        NotReached: its dashboard is off, or it does not answer ``within`` so many seconds.
        Refused: it says why not.

    """
    if not running.addresses:
        raise NotReached(f"the program (process {running.pid}) is still starting")
    base = running.addresses.get("dashboard")
    if base is None:
        raise NotReached("its dashboard is off, so it cannot be asked; use Ctrl-C or a signal")
    request = urllib.request.Request(
        base + path,
        headers={"Authorization": f"Bearer {running.control_key}"},
        data=None if fields is None else json.dumps(fields).encode(),
    )
    try:
        with _direct.open(request, timeout=within) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(_reason(error)) from error
    except (OSError, ValueError) as error:
        raise NotReached(f"the program (process {running.pid}) does not answer: {error}") from error


def ask_running(
    options: Options,
    path: str,
    fields: Mapping[str, Any] | None = None,
    *,
    within: float | None = ANSWER_WITHIN,
) -> Any:
    """Do as ``ask``, with the program that serves from the state folder of the options.

    Raises:
        NotReached: nothing serves there, or it does not answer.
        Refused: it says why not.

    """
    running = read_running(state_folder(options.state_dir))
    if running is None:
        raise NotReached("nothing is serving; main.py start does")
    return ask(running, path, fields, within=within)


def _reason(error: urllib.error.HTTPError) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return str(json.load(error)["error"])
    return f"the program answers with status {error.code}"
