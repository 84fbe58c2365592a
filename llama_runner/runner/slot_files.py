"""Has one child save its slots to files, and restore them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
from attrs import frozen

from llama_runner.errors import RunnerLost
from llama_runner.runner.child_client import ask, open_child_client
from llama_runner.runner.launch import Launch

ANSWER_WITHIN = 60.0
"""Seconds for one file, or one reading; who asks has a bound of his own."""


@frozen
class Moved:
    """What a slot's file holds, and how many seconds it took to write or to read it."""

    tokens: int
    size: int
    seconds: float

    @property
    def holds_prompt(self) -> bool:
        """Whether it is of use: a save without anything in it may tell of one token."""
        return self.tokens > 1


@frozen
class Reading:
    """What came of a prompt: tokens, and how many of the prompt's were found and were read."""

    answer: tuple[int, ...]
    cached: int
    read: int
    seconds: float


class SlotFiles(Protocol):
    """A child's slots and their files, which lie in the folder of its launch.

    Every call raises RunnerLost with the child's own reason if it does not do it.
    """

    async def save(self, slot: int, file: str) -> Moved:
        """Write what an idle slot holds."""
        ...

    async def restore(self, slot: int, file: str) -> Moved:
        """Put what was written into a slot, in place of what it holds."""
        ...

    async def read(self, slot: int, prompt: Sequence[int], most: int) -> Reading:
        """Read a prompt of token numbers; return the likeliest ``most`` tokens after it."""
        ...


@frozen
class HttpSlotFiles:
    """The same over the child's HTTP API (llama.cpp, tools/server/README.md)."""

    _client: httpx.AsyncClient

    async def save(self, slot: int, file: str) -> Moved:
        """Write what an idle slot holds."""
        told = await ask(self._client, f"/slots/{slot}?action=save", {"filename": file})
        return _moved(told, "n_saved", "n_written", "save_ms")

    async def restore(self, slot: int, file: str) -> Moved:
        """Put what was written into a slot."""
        told = await ask(self._client, f"/slots/{slot}?action=restore", {"filename": file})
        return _moved(told, "n_restored", "n_read", "restore_ms")

    async def read(self, slot: int, prompt: Sequence[int], most: int) -> Reading:
        """Read a prompt of token numbers, and go on with the likeliest ones."""
        asked = {
            "prompt": list(prompt),
            "id_slot": slot,
            "n_predict": most,
            "temperature": 0,
            "cache_prompt": True,
            "ignore_eos": True,
            "return_tokens": True,
        }
        match await ask(self._client, "/completion", asked):
            case {
                "tokens": [*answer],
                "timings": {
                    "cache_n": int() as cached,
                    "prompt_n": int() as read,
                    "prompt_ms": int() | float() as spent,
                },
            }:
                return Reading(tuple(answer), cached, read, spent / 1000)
        raise RunnerLost("llama-server's answer has another form than we know")


def _moved(told: object, tokens: str, size: str, spent: str) -> Moved:
    match told:
        case {"timings": {**timings}, **fields}:
            amounts = fields.get(tokens), fields.get(size), timings.get(spent)
            match amounts:
                case (int() as count, int() as written, int() | float() as milliseconds):
                    return Moved(count, written, milliseconds / 1000)
    raise RunnerLost("llama-server's answer has another form than we know")


@asynccontextmanager
async def open_slot_files(launch: Launch) -> AsyncIterator[HttpSlotFiles]:
    """Talk to the child of this launch while the block lasts."""
    async with open_child_client(launch, ANSWER_WITHIN, connections=1) as client:
        yield HttpSlotFiles(client)
