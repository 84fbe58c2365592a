"""What a pull has told so far, for all who follow it, whenever they came."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import trio
from attrs import define, field

TICK = 0.06
"""Seconds between two objects of one client, at least, while a file comes."""


@define(eq=False)
class PullLog:
    """One object for each step; the last one changes while its file comes."""

    steps: list[Mapping[str, Any]] = field(factory=list, init=False)
    ended: bool = field(default=False, init=False)
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def say(self, status: str) -> None:
        """Begin a step."""
        self.steps.append({"status": status})
        self._wake()

    def come(self, digest: str, total: int, completed: int) -> None:
        """Tell how much of a file is there; the numbers that are 0 are left out."""
        status = f"pulling {digest.removeprefix('sha256:')[:12]}"
        told: dict[str, Any] = {"status": status, "digest": digest, "total": total}
        if completed:
            told["completed"] = completed
        if self.steps and self.steps[-1]["status"] == status:
            self.steps[-1] = told
        else:
            self.steps.append(told)
        self._wake()

    def end(self) -> None:
        """Tell that no more will come."""
        self.ended = True
        self._wake()

    async def follow(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield all steps from the first on, and each as it was when the next one began."""
        position, told = 0, None
        while True:
            while position < len(self.steps):
                if told is not (told := self.steps[position]):
                    yield told
                if position + 1 == len(self.steps):
                    break
                if told is self.steps[position]:
                    position += 1
            if self.ended and told is (self.steps[-1] if self.steps else None):
                return
            await self._changed.wait()
            await trio.sleep(TICK)

    def _wake(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()
