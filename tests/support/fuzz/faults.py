"""What must not be found in the log, or in memory, after a fuzzed connection."""

from __future__ import annotations

import gc
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from llama_runner.http.client import Client


class _Faults(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            lines = traceback.format_exception(*record.exc_info) if record.exc_info else []
            self.found.append(record.getMessage() + "\n" + "".join(lines))


@contextmanager
def logged_faults() -> Iterator[list[str]]:
    """Give the list of errors and tracebacks that are logged while the block lasts."""
    handler, root = _Faults(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield handler.found
    finally:
        root.removeHandler(handler)


def clients_held() -> int:
    """Return for how many clients, all of which have left, something is still kept."""
    gc.collect()
    return sum(isinstance(thing, Client) for thing in gc.get_objects())
