"""Writes one backlog's lines to one sink."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from attrs import define, field

from llama_runner.logs.backlog import Backlog
from llama_runner.logs.line import LogLine

logger = logging.getLogger(__name__)

# Lines that come in between share a write: a busy log costs a few writes a second, no more.
PAUSE = 0.2
RETRY = 1.0


class Sink(Protocol):
    """Somewhere lines are written to; may take its time, and others do not notice."""

    name: str

    async def write(self, lines: Sequence[LogLine]) -> int:
        """Write the first of ``lines``, at least one; return how many.

        Raises:
            OSError: none could be written now; later it may be possible.
        """
        ...


@define(eq=False)
class Drain:
    """Carries lines from the backlog to the sink and survives that the sink fails."""

    _backlog: Backlog
    _sink: Sink
    _failing: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Write what comes, until the backlog is closed and empty."""
        while await self._backlog.filled():
            lines = self._backlog.take()
            while lines:
                lines = lines[await self._write(lines) :]
            await self._backlog.rest(PAUSE)

    async def _write(self, lines: Sequence[LogLine]) -> int:
        """Write some lines and return how many are done with."""
        closed = self._backlog.closed
        try:
            written = await self._sink.write(lines)
        except OSError as error:
            self._complain(error)
            if closed:
                return len(lines)
            await self._backlog.rest(RETRY)
            return 0
        self._failing = False
        return written

    def _complain(self, error: OSError) -> None:
        # Once an outage. The other sink shows it now, this one when it is well again.
        if not self._failing:
            logger.warning("log lines cannot be written to %s for now: %s", self._sink.name, error)
        self._failing = True
