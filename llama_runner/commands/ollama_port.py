"""Asks a serving program over its Ollama port, as any client would."""

from __future__ import annotations

import difflib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
import trio
from attrs import frozen

from llama_runner.commands.asking import NotReached, Refused
from llama_runner.commands.running import read_running
from llama_runner.concurrency.groups import sole_error
from llama_runner.config.options import Options
from llama_runner.config_loader import load_configuration
from llama_runner.platforms.paths import state_folder

CONNECTED_WITHIN = 10.0
SHOWN = 12
"""Names of models that fit a message."""

Line = dict[str, Any]


@frozen
class OllamaPort:
    """What one command asks of the program that serves."""

    _client: httpx.AsyncClient

    async def ask(self, method: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON of an answer, or None of an empty one.

        Raises:
            NotReached: it does not answer.
            Refused: it says why not.

        """
        lines: list[Line] = []
        await self.each_line(path, fields, lines.append, method=method)
        return lines[0] if lines else None

    async def each_line(
        self,
        path: str,
        fields: Mapping[str, Any] | None,
        take: Callable[[Line], None],
        *,
        method: str = "POST",
    ) -> None:
        """Give each line of an answer to ``take`` as it comes; cancelled, the answer ends.

        Raises:
            NotReached: it does not answer, or breaks off.
            Refused: it says why not, at once or in a line.

        """
        try:
            async with self._client.stream(method, path, json=fields) as response:
                if not response.is_success:
                    await response.aread()
                    raise await self._refusal(response, path, fields or {})
                async for text in response.aiter_lines():
                    if text.strip():
                        _hand_on(text, take)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise NotReached(f"the program that serves does not answer: {reason}") from error

    async def _refusal(
        self, response: httpx.Response, path: str, fields: Mapping[str, Any]
    ) -> Refused:
        try:
            told = str(json.loads(response.content)["error"])
        except (ValueError, KeyError, TypeError):
            if response.status_code == 404:
                return Refused(f"the program that serves has no {path}")
            return Refused(f"the program that serves answers with status {response.status_code}")
        if response.status_code == 401:
            return Refused(f"the API key was refused: {told}")
        name = fields.get("model") or fields.get("source")
        if response.status_code == 404 and name and told.endswith("not found"):
            return Refused(f"no model is called {name!r}{await self._meant(str(name))}")
        return Refused(told)

    async def _meant(self, name: str) -> str:
        """Return the names that may have been meant, else those that there are."""
        names = [str(model["name"]) for model in (await self.ask("GET", "/api/tags"))["models"]]
        short = [known.removesuffix(":latest") for known in names]
        lowered = dict(zip(map(str.lower, [*names, *short]), [*short, *short], strict=True))
        close = difflib.get_close_matches(name.lower(), lowered, n=3)
        if close:
            return f"; did you mean {' or '.join(dict.fromkeys(lowered[one] for one in close))}?"
        more = f" and {len(short) - SHOWN} more" if len(short) > SHOWN else ""
        return f"; there are {', '.join(short[:SHOWN])}{more}" if short else "; there is none"


def _hand_on(text: str, take: Callable[[Line], None]) -> None:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise NotReached("the answer of the program that serves is not JSON") from error
    if isinstance(line, dict) and isinstance(line.get("error"), str):
        raise Refused(line["error"])
    take(line)


@asynccontextmanager
async def open_ollama_port(options: Options) -> AsyncIterator[OllamaPort]:
    """Talk to the program that serves from the state folder of the options.

    Raises:
        NotReached: nothing serves there, or its Ollama port is off.
        ConfigError: the configuration, which holds the key, cannot be read.

    """
    keys = load_configuration(options.config_dir).app.security.api_keys
    async with httpx.AsyncClient(
        base_url=_address(options),
        headers={"Authorization": f"Bearer {keys[0].key}"} if keys else {},
        # A load, a long prompt and a pull take as long as they take.
        timeout=httpx.Timeout(None, connect=CONNECTED_WITHIN),
        # A proxy named in the environment is no way to a program on this machine.
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield OllamaPort(client)


def with_port(options: Options, work: Callable[[OllamaPort], Any]) -> Any:
    """Run ``work`` with the port in a Trio loop; Ctrl-C cancels it and is raised.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: it says why not.

    """

    async def run() -> Any:
        async with open_ollama_port(options) as port:
            return await work(port)

    with sole_error():
        return trio.run(run)


def _address(options: Options) -> str:
    running = read_running(state_folder(options.state_dir))
    if running is None:
        raise NotReached("nothing is serving; main.py start does")
    if not running.addresses:
        raise NotReached(f"the program (process {running.pid}) is still starting")
    address = running.addresses.get("ollama")
    if address is None:
        raise NotReached("its Ollama port is off, and this command needs it")
    return address
