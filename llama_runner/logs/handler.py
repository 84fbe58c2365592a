"""Where the standard library's logging ends and our log begins."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from llama_runner.logs.backlog import Backlog
from llama_runner.logs.line import LogLine, line_of

# They tell much that only matters to those who work on them.
QUIET = ("httpx", "httpcore", "hypercorn", "quart", "quart_trio")


class BacklogHandler(logging.Handler):
    """Puts every record's line into all backlogs; never blocks and never raises."""

    def __init__(self, backlogs: Sequence[Backlog]) -> None:
        super().__init__()
        self._backlogs = tuple(backlogs)

    def createLock(self) -> None:  # noqa: N802 - logging's name
        """Do without: a thread that formats a long trace must not hold up the others."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit the record as it is; the inherited method would take the lock."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record's line on, in whichever thread this is."""
        try:
            line = line_of(record)
        except Exception as error:  # whoever logs is never to fail by it, whatever its arguments do
            line = _failed(record, error)
        for backlog in self._backlogs:
            backlog.put(line)


@contextmanager
def installed(handler: logging.Handler, level: str) -> Iterator[None]:
    """Let the handler have everything from ``level`` on, while the block lasts."""
    root, least = logging.getLogger(), logging.getLevelNamesMapping()[level]
    quiet = logging.NOTSET if least <= logging.DEBUG else max(least, logging.WARNING)
    levels = {root: least, **{logging.getLogger(name): quiet for name in QUIET}}
    before = {logger: logger.level for logger in levels}
    handler.setLevel(least)
    root.addHandler(handler)
    try:
        for logger, wanted in levels.items():
            logger.setLevel(wanted)
        yield
    finally:
        for logger, was in before.items():
            logger.setLevel(was)
        root.removeHandler(handler)
        handler.close()


def _failed(record: logging.LogRecord, error: Exception) -> LogLine:
    told = f"a log call at {record.pathname}:{record.lineno} failed: {type(error).__name__}"
    return LogLine(record.created, record.levelname, record.name, told)
