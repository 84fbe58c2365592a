"""The slots of an engine without an engine: what each holds, and the files that were saved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from attrs import define, field

from llama_runner.errors import RunnerLost
from llama_runner.runner.launch import Launch
from llama_runner.runner.slot_files import Moved, Reading

BYTES = 1000
"""Bytes a token has in a file."""
READING, MOVING = 0.1, 1e-9
"""Seconds for a token that is read, and for a byte that is saved or restored."""


@define(eq=False)
class FakeEngineSlots:
    """What outlives a restart: the files; ``held`` is what the slots hold.

    Each way to fail is one that an engine may have.
    """

    folder: Path
    held: dict[int, tuple[int, ...]] = field(factory=dict)
    saves_nothing: bool = False
    restores_nothing: bool = False
    restores_wrongly: bool = False
    refuses: str = ""
    takes: float = 0.0
    """Seconds that each request takes beside its own work."""
    moving: float = MOVING
    asked: list[str] = field(factory=list)

    @asynccontextmanager
    async def open(self, _: Launch) -> AsyncIterator[FakeEngineSlots]:
        """Be the files of a child of any launch."""
        await trio.lowlevel.checkpoint()
        yield self

    def restart(self) -> None:
        """Forget what the slots hold."""
        self.held.clear()

    async def save(self, slot: int, file: str) -> Moved:
        await self._do(f"save {slot}")
        held = () if self.saves_nothing else self.held.get(slot, ())
        (self.folder / file).write_text(" ".join(map(str, held)))
        return self._moved(len(held))

    async def restore(self, slot: int, file: str) -> Moved:
        await self._do(f"restore {slot}")
        try:
            held = tuple(map(int, (self.folder / file).read_text().split()))
        except FileNotFoundError:
            raise RunnerLost("Unable to restore slot") from None
        self.held[slot] = () if self.restores_nothing else held
        return self._moved(len(held))

    async def read(self, slot: int, prompt: Sequence[int], most: int) -> Reading:
        await self._do(f"read {slot}")
        held = self.held.get(slot, ())
        pairs = enumerate(zip(held, prompt, strict=False))
        alike = next((at for at, (old, new) in pairs if old != new), min(len(held), len(prompt)))
        cached = min(alike, len(prompt) - 1)
        wrong = self.restores_wrongly and "restore 0" in self.asked
        answer = tuple(sum(prompt) + place + wrong for place in range(most))
        self.held[slot] = (*prompt, *answer[:-1])
        read = len(prompt) - cached
        return Reading(answer, cached, read, read * READING)

    def _moved(self, tokens: int) -> Moved:
        return Moved(tokens, tokens * BYTES, tokens * BYTES * self.moving)

    async def _do(self, what: str) -> None:
        await trio.sleep(self.takes)
        self.asked.append(what)
        if self.refuses and what.startswith(self.refuses):
            raise RunnerLost(f"it does not {what}")
