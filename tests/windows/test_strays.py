"""What an earlier run left is found by number, start and executable, and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from llama_runner.runner.journal import Entry, Record, folder_in, write_record
from llama_runner.runner.strays import end_strays

OWNER_THAT_IS_GONE = 4_000_000


@pytest.fixture
def left() -> Iterator[psutil.Process]:
    """Return a process that a program of ours might have left."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        yield psutil.Process(process.pid)
        process.kill()


def note(state: Path, process: psutil.Process, *, later: float = 0, executable: str = "") -> Path:
    entry = Entry(
        name="a model",
        pid=process.pid,
        started=process.create_time() + later,
        executable=executable or process.exe(),
    )
    path = folder_in(state) / "one.json"
    write_record(path, Record(owner=OWNER_THAT_IS_GONE, started=1.0, entries=(entry,)))
    return path


def test_one_that_is_as_written_down_is_ended(left, tmp_path):
    path = note(tmp_path, left)
    end_strays(tmp_path)
    assert not left.is_running()
    assert not path.exists()


@pytest.mark.parametrize("difference", [{"later": 60}, {"executable": r"F:\other.exe"}])
def test_one_that_only_has_its_number_is_left_alone(left, tmp_path, difference):
    note(tmp_path, left, **difference)
    end_strays(tmp_path)
    assert left.is_running()
