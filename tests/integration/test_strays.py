"""Strays with real processes: what is ended, and what is left alone."""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio
from attrs import evolve

from llama_runner.platforms.process import start_of
from llama_runner.runner.journal import Entry, Record, folder_in, write_record
from llama_runner.runner.lifetime import open_lifetime
from llama_runner.runner.spawner import system_spawner
from llama_runner.runner.strays import end_strays

SLEEP = "import time; time.sleep(600)"
# Starts one more, in a place of its own on request, and says its number.
PARENT = """
import subprocess, sys, time
command, apart = [sys.executable, "-S", "-c", sys.argv[1]], "apart" in sys.argv
child = subprocess.Popen(command, start_new_session=apart)
print(child.pid, flush=True)
if "leave" not in sys.argv:
    time.sleep(600)
"""
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX's")


class Strays:
    """Processes that outlive whoever started them, for the length of a test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def start(self, program: str, *argv: str, key: str = "") -> subprocess.Popen[str]:
        process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-S", "-c", program, *argv],
                stdout=subprocess.PIPE,
                encoding="utf-8",
                env={**os.environ, "LLAMA_API_KEY": key},
                start_new_session=True,
            )
        )
        self._stack.callback(process.kill)
        return process

    def sleeper(self, key: str = "") -> psutil.Process:
        # In the act of becoming a program, a process has no environment to be known by.
        process = self.start(f"print(flush=True); {SLEEP}", key=key)
        assert process.stdout is not None
        process.stdout.readline()
        return psutil.Process(process.pid)

    def parent(self, *where: str, key: str = "") -> tuple[psutil.Process, psutil.Process]:
        process = self.start(PARENT, SLEEP, *where, key=key)
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        self._stack.callback(end, child)
        return psutil.Process(process.pid), child


def end(process: psutil.Process) -> None:
    if process.is_running():
        process.kill()


@pytest.fixture
def strays() -> Iterator[Strays]:
    with ExitStack() as stack:
        yield Strays(stack)


def entry(process: psutil.Process, **changes: Any) -> Entry:
    noted = Entry(
        name="smol", pid=process.pid, started=process.create_time(), executable=process.exe()
    )
    return evolve(noted, **changes)


def left(state: Path, *entries: Entry, owner: int = 2**22 + 7, started: float = 5.0) -> Path:
    """Write the file of a program that is gone, unless ``owner`` lives."""
    path = folder_in(state) / f"{owner}-5.json"
    write_record(path, Record(owner=owner, started=started, entries=entries))
    return path


def runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def test_a_stray_is_ended_and_told_of_and_the_file_is_done_with(strays, tmp_path, caplog):
    stray = strays.sleeper()
    path = left(tmp_path, entry(stray))

    end_strays(tmp_path)

    assert not runs(stray)
    assert not path.exists()
    assert f"an earlier run left smol (process {stray.pid}); it was ended" in caplog.text


def test_what_a_stray_started_ends_with_it(strays, tmp_path):
    parent, child = strays.parent()
    left(tmp_path, entry(parent))

    end_strays(tmp_path)

    assert not runs(parent)
    assert not runs(child)


@on_posix
def test_what_a_stray_started_ends_also_when_the_stray_itself_has_ended(strays, tmp_path):
    parent, child = strays.parent()
    noted = entry(parent)
    parent.kill()
    parent.wait()
    left(tmp_path, noted)

    end_strays(tmp_path)

    assert not runs(child)


@on_posix
def test_what_left_the_session_is_known_by_the_mark(strays, tmp_path):
    key = secrets.token_urlsafe(16)
    parent, child = strays.parent("apart", "leave", key=key)
    noted = Entry(name="smol", pid=parent.pid, started=5.0, executable="/x", mark=digest(key))
    left(tmp_path, noted)

    end_strays(tmp_path)

    assert not runs(child)


@on_posix
def test_a_wrapper_that_became_the_engine_is_known_by_the_mark(strays, tmp_path):
    key = secrets.token_urlsafe(16)
    engine = strays.sleeper(key)
    left(tmp_path, entry(engine, executable="/bin/a-script's-shell", mark=digest(key)))

    end_strays(tmp_path)

    assert not runs(engine)


@pytest.mark.parametrize(
    "changes",
    [{"started": 1000.0}, {"executable": "/usr/bin/something-else"}],
    ids=["another start", "another executable"],
)
def test_another_process_with_a_strays_number_is_left_alone(strays, tmp_path, caplog, changes):
    parent, child = strays.parent()
    path = left(tmp_path, entry(parent, **changes))

    end_strays(tmp_path)

    assert runs(parent)
    assert runs(child)
    assert not path.exists()
    assert not caplog.records


def test_another_process_with_the_same_executable_and_name_is_left_alone(strays, tmp_path):
    stray, other = strays.sleeper(), strays.sleeper()
    left(tmp_path, entry(stray))

    end_strays(tmp_path)

    assert not runs(stray)
    assert runs(other)


def test_what_belongs_to_a_program_that_lives_is_left_alone(strays, tmp_path, caplog):
    theirs = strays.sleeper()
    path = left(tmp_path, entry(theirs), owner=os.getpid(), started=start_of(os.getpid()))

    end_strays(tmp_path)

    assert runs(theirs)
    assert path.exists()
    assert not caplog.records


def test_a_later_process_with_the_owners_number_does_not_protect_its_strays(strays, tmp_path):
    stray = strays.sleeper()
    left(tmp_path, entry(stray), owner=os.getpid(), started=start_of(os.getpid()) - 3600)

    end_strays(tmp_path)

    assert not runs(stray)


@pytest.mark.parametrize("text", ["", '{"owner": 1, "sta', "not JSON", '{"entries": []}'])
def test_a_damaged_file_is_told_of_and_stands_in_no_ones_way(strays, tmp_path, caplog, text):
    stray = strays.sleeper()
    damaged = folder_in(tmp_path) / "0.json"
    left(tmp_path, entry(stray))
    damaged.write_text(text)

    end_strays(tmp_path)

    assert not runs(stray)
    assert list(folder_in(tmp_path).iterdir()) == []
    assert "is damaged" in caplog.text


def test_a_state_folder_without_children_is_nothing_special(tmp_path, caplog):
    end_strays(tmp_path / "missing")
    assert not caplog.records


def test_one_that_does_not_die_is_told_of_and_stays_noted(strays, tmp_path, caplog, monkeypatch):
    stray = strays.sleeper()
    path = left(tmp_path, entry(stray))
    monkeypatch.setattr("llama_runner.runner.strays.GONE_WITHIN", 0.05)
    monkeypatch.setattr("llama_runner.runner.strays._kill", lambda found: None)

    end_strays(tmp_path)

    assert runs(stray)
    assert path.exists()
    assert "which does not die" in caplog.text


async def test_strays_are_ended_before_anything_is_started(strays, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    stray = strays.sleeper()
    left(tmp_path, entry(stray))

    with trio.fail_after(30):
        async with open_lifetime(system_spawner(), tmp_path):
            assert not runs(stray)
