"""One child's control plane over HTTP: health, settings, slots."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
from attrs import frozen

from llama_runner.errors import RunnerLost
from llama_runner.runner.child import Slot
from llama_runner.runner.child_client import ask, open_child_client
from llama_runner.runner.launch import Launch
from llama_runner.runner.port import is_taken

# The child answers these between two batches, and a batch can take seconds.
ANSWER_WITHIN = 10.0
PROBE_WITHIN = 2.0
# What a slot holds by now, the answer included, and what of a prompt it has read.
_DONE = ("n_prompt_tokens", "n_prompt_tokens_processed")
_NO_KEY = {"Authorization": "Bearer -"}


@frozen
class HttpControl:
    """The Control protocol over the child's own HTTP API."""

    _client: httpx.AsyncClient

    async def is_ready(self) -> bool:
        """Report whether our child, and no other program, would serve a request at this port.

        While it loads, a child answers nothing but ``/health`` with 200. Only ours knows
        the key of this launch, and only one with a key refuses another.
        """
        if await self._status("/props") != httpx.codes.OK:
            return False
        return await self._status("/props", _NO_KEY) == httpx.codes.UNAUTHORIZED

    def port_is_taken(self) -> bool:
        """Report whether another program has its port, once our child is dead; never blocks."""
        address = self._client.base_url
        return is_taken(address.host, address.port or 0)

    async def props(self) -> Mapping[str, object]:
        """Return what it says of its settings; raise RunnerLost if it does not answer."""
        answer = await ask(self._client, "/props")
        if not isinstance(answer, dict):
            raise RunnerLost("llama-server's /props is not an object")
        return answer

    async def slots(self) -> tuple[Slot, ...]:
        """Return its slots; raise RunnerLost if it does not answer."""
        answer = await ask(self._client, "/slots")
        if not isinstance(answer, list):
            raise RunnerLost("llama-server's /slots is not a list")
        return tuple(_slot(item) for item in answer)

    async def _status(self, path: str, headers: Mapping[str, str] | None = None) -> int | None:
        try:
            response = await self._client.get(path, headers=headers, timeout=PROBE_WITHIN)
        except httpx.HTTPError:
            return None
        return response.status_code


def _slot(item: object) -> Slot:
    match item:
        case {"id": int() as number, "is_processing": bool() as busy, **others}:
            done = (others.get(name) for name in _DONE)
            return Slot(number, busy, sum(count for count in done if isinstance(count, int)))
        case _:
            raise RunnerLost("llama-server's /slots has another form than we know")


@asynccontextmanager
async def open_control(launch: Launch) -> AsyncIterator[HttpControl]:
    """Talk to the child of this launch while the block lasts."""
    async with open_child_client(launch, ANSWER_WITHIN, connections=16) as client:
        yield HttpControl(client)
