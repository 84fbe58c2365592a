from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
import trio

from llama_runner.logs.backlog import Backlog
from llama_runner.logs.handler import QUIET, BacklogHandler, installed
from llama_runner.logs.line import LogLine


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    yield root
    assert (root.level, list(root.handlers)) == before


class Rude:
    """An argument that cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


async def test_a_log_call_reaches_every_backlog(root: logging.Logger) -> None:
    backlogs = [Backlog(), Backlog()]
    with installed(BacklogHandler(backlogs), "INFO"):
        logging.getLogger("llama_runner.here").info("hello %s", "you")
        await trio.lowlevel.checkpoint()
    for backlog in backlogs:
        (line,) = backlog.take()
        assert (line.logger, line.level, line.text) == ("llama_runner.here", "INFO", "hello you")


async def test_a_log_call_works_from_a_thread(root: logging.Logger) -> None:
    backlog = Backlog()
    with installed(BacklogHandler([backlog]), "INFO"):
        await trio.to_thread.run_sync(logging.getLogger("llama_runner").info, "from a thread")
    assert [line.text for line in backlog.take()] == ["from a thread"]


@pytest.mark.parametrize("message", ["%s", "%d %d", "%(name)s"])
def test_a_log_call_that_cannot_be_formatted_is_told_and_does_not_raise(
    message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[LogLine] = []
    backlog = cast("Backlog", SimpleNamespace(put=told.append))
    record = logging.LogRecord("x", logging.ERROR, "/there.py", 7, message, (Rude(),), None)
    assert BacklogHandler([backlog]).handle(record)
    (line,) = told
    assert re.fullmatch(r"a log call at /there\.py:7 failed: \w+Error", line.text)
    assert line.level == "ERROR"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("DEBUG", logging.DEBUG, logging.DEBUG),
        ("INFO", logging.INFO, logging.WARNING),
        ("WARNING", logging.WARNING, logging.WARNING),
        ("ERROR", logging.ERROR, logging.ERROR),
    ],
)
def test_libraries_are_heard_from_warnings_on_except_when_debugging(
    root: logging.Logger, level: str, ours: int, theirs: int
) -> None:
    with installed(BacklogHandler([]), level):
        assert logging.getLogger("llama_runner.any").getEffectiveLevel() == ours
        for name in QUIET:
            assert logging.getLogger(name + ".any").getEffectiveLevel() == theirs


def test_leaving_restores_handlers_and_levels_after_an_error_too(
    root: logging.Logger,
) -> None:
    quiet = [logging.getLogger(name) for name in QUIET]
    before = [logger.level for logger in quiet]
    with pytest.raises(ZeroDivisionError), installed(BacklogHandler([]), "DEBUG"):
        assert 1 / 0
    assert [logger.level for logger in quiet] == before
