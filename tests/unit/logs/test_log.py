from __future__ import annotations

import io
import logging
import os
import re
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
import trio

from llama_runner.config.logs import LoggingConfig
from llama_runner.logs.log import open_log

logger = logging.getLogger("llama_runner.here")

# Writes more to stderr than a pipe holds, and ends.
CHATTY = """
import logging, sys, trio
from pathlib import Path
from llama_runner.config.logs import LoggingConfig
from llama_runner.logs.log import open_log

async def main():
    async with open_log(LoggingConfig(), Path(sys.argv[1]), sys.stderr):
        for number in range(2000):
            logging.getLogger("llama_runner").info("line %d %s", number, "x" * 100)

trio.run(main)
"""


class Watching(io.StringIO):
    """A console that says when a text has appeared on it."""

    def __init__(self, wanted: str) -> None:
        super().__init__()
        self._wanted = wanted
        self.seen = trio.Event()

    def write(self, text: str) -> int:
        if self._wanted in text:
            trio.from_thread.run_sync(self.seen.set)
        return super().write(text)


async def test_lines_go_to_the_file_and_to_the_console(tmp_path: Path) -> None:
    console = io.StringIO()
    async with open_log(LoggingConfig(), tmp_path / "logs", console):
        logger.info("größe %d", 3)
        logger.debug("not told")
        logging.getLogger("httpx").info("not told either")
        try:
            assert 1 / 0
        except ZeroDivisionError:
            logger.exception("failed")
    first, second, trace, *_, last = (
        (tmp_path / "logs" / "llama-runner.log").read_text("utf-8").splitlines()
    )
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
    assert re.fullmatch(stamp + r" INFO  llama_runner\.here größe 3", first)
    assert re.fullmatch(stamp + r" ERROR llama_runner\.here failed", second)
    assert trace == "    Traceback (most recent call last):"
    assert last == "    ZeroDivisionError: division by zero"
    assert re.match(
        r"\d\d:\d\d:\d\d INFO  größe 3\n\d\d:\d\d:\d\d ERROR failed\n", console.getvalue()
    )


async def test_files_are_bounded_as_configured(tmp_path: Path) -> None:
    settings = LoggingConfig(level="DEBUG", max_file_bytes=1000, max_files=3)
    async with open_log(settings, tmp_path, io.StringIO()):
        for number in range(100):
            logger.debug("line %d", number)
    assert len(list(tmp_path.iterdir())) == 3
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert (tmp_path / "llama-runner.log").read_text("utf-8").endswith("line 99\n")


async def test_a_folder_that_cannot_be_made_is_told_on_the_console(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    console = Watching("WARNING log lines cannot be written to")
    async with open_log(LoggingConfig(), tmp_path / "logs", console):
        logger.info("still told")
        await console.seen.wait()
    assert "INFO  still told" in console.getvalue()


@pytest.mark.slow
async def test_a_program_ends_although_nobody_reads_its_console(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHATTY, str(tmp_path)]
    # Unbuffered, as a container may set it, there would be no lock to hang on.
    buffered = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    child = await trio.lowlevel.open_process(command, stderr=PIPE, env=buffered)
    try:
        with trio.fail_after(60):
            assert await child.wait() == 0
    finally:
        child.kill()
        assert child.stderr is not None
        await child.stderr.aclose()
    assert (tmp_path / "llama-runner.log").read_text("utf-8").count("\n") == 2000
