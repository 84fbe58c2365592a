"""Hands a child's lines on to our log, at a pace that costs us nothing."""

from __future__ import annotations

import logging

import trio
from attrs import define, field

from llama_runner.runner.log_tail import LogTail

logger = logging.getLogger("llama_runner.engine")

# A child that floods its log loses lines here, and never us the time to carry tokens.
PAUSE = 0.1


@define(eq=False)
class LogForwarder:
    """Takes lines from the tail and logs them under the model's name."""

    _name: str
    _tail: LogTail
    _next: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._next = self._tail.end

    async def run(self) -> None:
        """Forward lines as they come, until cancelled."""
        while True:
            await self._tail.more_than(self._next)
            self.forward()
            await trio.sleep(PAUSE)

    def forward(self) -> None:
        """Forward what has come since the last time."""
        if not logger.isEnabledFor(logging.DEBUG):
            self._next = self._tail.end
            return
        taken = self._tail.since(self._next)
        self._next = taken.end
        if taken.lost:
            logger.warning("%s: %d lines of its log were lost", self._name, taken.lost)
        for line in taken.lines:
            logger.debug("%s: %s", self._name, line)
