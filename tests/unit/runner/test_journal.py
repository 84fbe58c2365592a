from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from llama_runner.runner import journal as journal_module
from llama_runner.runner.journal import (
    Entry,
    Journal,
    Record,
    folder_in,
    open_journal,
    read_record,
    write_record,
)

ENTRY = Entry(name="smol", pid=7, started=12.5, executable="/bin/llama-server", mark="ab")
RECORD = Record(owner=3, started=1.25, entries=(ENTRY,))
PATIENCE = 30


def test_a_record_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_record(path, RECORD)

    assert read_record(path) == RECORD
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"owner": 1}', '{"owner": 1, "started": 2, "entries": [{"pid": 1}]}']
    + ['{"owner": 1, "started": 2, "entries": [], "more": 1}', '{"entries": 5}', "\x00\xff"],
)
def test_a_damaged_record_is_a_value_error(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text, "latin-1")

    with pytest.raises(ValueError):
        read_record(path)


def test_a_record_that_is_torn_anywhere_is_a_value_error(tmp_path):
    path = tmp_path / "a.json"
    write_record(path, RECORD)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError):
            read_record(path)


async def until_noted(journal: Journal, *names: str) -> Record:
    with trio.fail_after(PATIENCE):
        while True:
            if journal.path.exists():
                record = read_record(journal.path)
                if [entry.name for entry in record.entries] == list(names):
                    return record
            await trio.sleep(0.005)


async def test_what_is_noted_is_written_and_what_has_ended_is_not(tmp_path):
    me = psutil.Process()
    async with open_journal(tmp_path) as journal:
        await until_noted(journal)
        with journal.noting(me.pid, "one", "mark"), journal.noting(me.pid, "two"):
            record = await until_noted(journal, "one", "two")
        await until_noted(journal)
    assert (record.owner, record.started) == (os.getpid(), me.create_time())
    assert record.entries[0] == Entry(
        name="one", pid=me.pid, started=me.create_time(), executable=me.exe(), mark="mark"
    )
    assert list(folder_in(tmp_path).iterdir()) == []


async def test_a_process_that_has_ended_already_is_noted_without_details(tmp_path):
    async with open_journal(tmp_path) as journal:
        with journal.noting(2**22 + 1, "gone"):
            record = await until_noted(journal, "gone")
    assert (record.entries[0].started, record.entries[0].executable) == (0, "")


async def test_what_still_runs_at_the_end_stays_noted(tmp_path):
    async with open_journal(tmp_path) as journal:
        note = journal.noting(os.getpid(), "undead")
        note.__enter__()
        await until_noted(journal, "undead")
    assert [entry.name for entry in read_record(journal.path).entries] == ["undead"]


async def test_a_disk_that_fails_is_told_of_and_tried_again_at_the_next_change(tmp_path, caplog):
    folder_in(tmp_path).write_text("in the way")
    async with open_journal(tmp_path) as journal:
        with trio.fail_after(PATIENCE):
            while not caplog.records:  # noqa: ASYNC110 - a thread tells
                await trio.sleep(0.005)
        folder_in(tmp_path).unlink()
        with journal.noting(os.getpid(), "one"):
            await until_noted(journal, "one")
    assert "cannot be written" in caplog.text


async def test_a_disk_that_stalls_holds_nobody_up(tmp_path, monkeypatch):
    well = threading.Event()

    def stall(path: Path, record: Record) -> None:
        well.wait(PATIENCE)

    monkeypatch.setattr(journal_module, "write_record", stall)
    monkeypatch.setattr(journal_module, "REMOVE_WITHIN", 0.1)
    try:
        with trio.fail_after(PATIENCE / 2):
            async with open_journal(tmp_path) as journal:
                await wait_all_tasks_blocked()
                with journal.noting(os.getpid(), "one"):
                    await wait_all_tasks_blocked()
    finally:
        well.set()
