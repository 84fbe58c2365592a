"""Whose a state folder is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from llama_runner.commands.running import FILE_NAME, claimed, read_running
from llama_runner.errors import ConfigError
from llama_runner.platforms.process import start_of

KEY = "a key"
SERVES = {"lmstudio": "http://127.0.0.1:1", "ollama": None}


def write_note(state: Path, pid: int, started: float, addresses: object) -> None:
    note = {"pid": pid, "started": started, "control_key": KEY, "addresses": addresses}
    (state / FILE_NAME).write_text(json.dumps(note), "utf-8")


def test_a_claim_is_noted_at_once_and_says_later_where_it_serves(tmp_path: Path) -> None:
    state = tmp_path / "not" / "there"
    with claimed(state, KEY) as claim:
        running = read_running(state)
        assert running is not None
        assert (running.pid, dict(running.addresses)) == (os.getpid(), {})
        claim.note(SERVES)
        running = read_running(state)
        assert running is not None
        assert (running.control_key, running.addresses) == (KEY, SERVES)
    assert list(state.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file modes")
def test_only_its_owner_can_read_the_note(tmp_path: Path) -> None:
    with claimed(tmp_path, KEY):
        assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("serves", [True, False])
def test_a_folder_that_is_held_is_refused_and_left_alone(tmp_path: Path, *, serves: bool) -> None:
    holder = os.getppid()
    write_note(tmp_path, holder, start_of(holder), SERVES if serves else {})
    before = (tmp_path / FILE_NAME).read_text()
    with pytest.raises(ConfigError) as caught, claimed(tmp_path, KEY):
        pass
    where = "http://127.0.0.1:1" if serves else "is not serving yet"
    assert f"{tmp_path} is held by process {holder} ({where})" in str(caught.value)
    assert "--state-dir" in str(caught.value)
    assert (tmp_path / FILE_NAME).read_text() == before


def test_the_note_of_a_program_that_is_gone_is_replaced(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as gone:
        started = start_of(gone.pid)
    write_note(tmp_path, gone.pid, started, SERVES)
    with claimed(tmp_path, KEY):
        running = read_running(tmp_path)
        assert running is not None and running.pid == os.getpid()


def test_the_note_of_a_namesake_is_replaced(tmp_path: Path) -> None:
    """A number is given to another process sooner or later, also to one that never ends."""
    write_note(tmp_path, os.getppid(), start_of(os.getppid()) - 1000, SERVES)
    with claimed(tmp_path, KEY):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_note_holds_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with claimed(tmp_path, KEY):
        assert read_running(tmp_path) is not None


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file"), claimed(tmp_path / "file" / "state", KEY):
        pass
