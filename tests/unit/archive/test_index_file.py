"""What is written down of saved slots."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from llama_runner.archive.entry import Entry
from llama_runner.archive.index import Index
from llama_runner.archive.index_file import IndexFile
from llama_runner.archive.verdict import Pace, Probing, Proven, Refuted, Sample, Unknown, Verdict
from llama_runner.scheduling.conversation import Conversation

VERDICTS: dict[str, Verdict] = {
    "a": Proven(Pace(1, 2.0), Pace(3, 4.0), Pace(5, 6.0)),
    "b": Refuted("no"),
    "c": Probing((Sample("f", (1, 2), (3,), 4),), Pace(1, 2.0), Pace(3, 4.0)),
}


def entry(slot: int, conversation: Conversation | None) -> Entry:
    return Entry(
        file=f"f{slot}",
        identity="a",
        model="m",
        slot=slot,
        client="ändere",
        tokens=10,
        size=20,
        used=3.5,
        conversation=conversation,
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file, index = IndexFile(tmp_path / "index.json"), Index(100)
    for identity, verdict in VERDICTS.items():
        index.judge(identity, verdict)
    index.add(entry(0, None))
    index.add(entry(1, Conversation([1, 2], [3, 4], 1)))
    file.write(file.text(index))
    read = file.read(100)
    assert dict(read.verdicts) == VERDICTS
    plain, told = read.of("a", "m")
    assert (plain.client, plain.tokens, plain.size, plain.used) == ("ändere", 10, 20, 3.5)
    assert plain.conversation is None
    assert told.conversation is not None
    assert told.conversation.shared(Conversation([1, 2, 3], [1, 2, 3])) == 2
    assert (told.conversation.size, told.conversation.topic) == (4, 1)


def test_a_probe_that_was_broken_off_is_tried_anew(tmp_path: Path) -> None:
    file, index = IndexFile(tmp_path / "index.json"), Index(100)
    index.judge("a", Unknown(3))
    file.write(file.text(index))
    assert file.read(100).verdict("a") == Unknown()


def test_what_is_not_there_is_empty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert IndexFile(tmp_path / "index.json").read(100).files == set()
    assert caplog.records == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": 1}',
        '{"format": 1, "verdicts": {"a": {"kind": "?"}}, "entries": []}',
        '{"format": 1, "verdicts": {}, "entries": [{"file": "f"}]}',
        '{"format": 1, "verdicts": {"a": {"kind": "refuted"}}, "entries": []}',
    ],
)
def test_what_cannot_be_read_is_empty_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    path = tmp_path / "index.json"
    path.write_text(text, "utf-8")
    assert IndexFile(path).read(100).files == set()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_another_format_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    path.write_text(json.dumps({"format": 99}), "utf-8")
    assert IndexFile(path).read(100).files == set()
