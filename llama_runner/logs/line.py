"""One log line, cut loose from the objects it tells of."""

from __future__ import annotations

import logging

from attrs import frozen

MAX_TEXT = 65_536

_OVERHEAD = 256
_formatter = logging.Formatter()


@frozen
class LogLine:
    """What one log call said, when, how serious it was, and who said it."""

    created: float
    level: str
    logger: str
    text: str

    @property
    def size(self) -> int:
        """Roughly the bytes it takes while it waits."""
        return _OVERHEAD + len(self.text)


def line_of(record: logging.LogRecord) -> LogLine:
    """Return the line of a record, its trace included.

    The text is made here and now: later the arguments may have changed, and a
    trace that waits would keep alive whatever its frames hold.
    """
    parts = [record.getMessage()]
    if record.exc_info:
        parts.append(_formatter.formatException(record.exc_info))
    if record.stack_info:
        parts.append(record.stack_info)
    return LogLine(record.created, record.levelname, record.name, _cut("\n".join(parts)))


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} more characters)"
