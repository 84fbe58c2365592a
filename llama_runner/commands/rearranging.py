"""``rm`` and ``cp``: models of the program that serves, deleted and copied."""

from __future__ import annotations

import json

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.ollama_port import OllamaPort, with_port
from llama_runner.platforms.console_text import ready_streams


def remove(options: Options) -> ExitCode:
    """Delete models, in their order; the first that cannot be deleted ends it.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model, or it may not be deleted.

    """
    ready_streams()

    async def delete(port: OllamaPort) -> None:
        for name in (options.model, *options.words):
            await port.ask("DELETE", "/api/delete", {"model": name})
            _tell(options, {"deleted": name}, f"deleted {name}")

    with_port(options, delete)
    return ExitCode.NORMAL


def copy(options: Options) -> ExitCode:
    """Give a model a second name.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model, or the name is not valid.

    """
    ready_streams()
    source, (destination,) = options.model, options.words

    async def duplicate(port: OllamaPort) -> None:
        await port.ask("POST", "/api/copy", {"source": source, "destination": destination})

    with_port(options, duplicate)
    told = {"source": source, "destination": destination}
    _tell(options, told, f"copied {source} to {destination}")
    return ExitCode.NORMAL


def _tell(options: Options, fields: dict[str, str | None], text: str) -> None:
    print(json.dumps(fields) if options.json else text, flush=True)
