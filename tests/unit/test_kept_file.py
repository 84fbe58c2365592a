"""What is kept for the next start, and what becomes of a file that is damaged."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from llama_runner.kept_file import KeptFile


def numbers_of(stored: dict[str, Any]) -> list[int]:
    return [number + 0 for number in stored["numbers"]]


@pytest.fixture
def file(tmp_path: Path) -> KeptFile:
    return KeptFile(tmp_path / "state" / "numbers.json", 2, "the row of numbers")


def test_what_was_written_is_read(file: KeptFile) -> None:
    assert file.write(file.text({"numbers": [1, 2]}))
    assert file.read(numbers_of, [7]) == [1, 2]
    assert os.listdir(file.path.parent) == [file.path.name]


def test_what_is_not_there_or_has_another_format_is_passed_over(
    file: KeptFile, caplog: pytest.LogCaptureFixture
) -> None:
    assert file.read(numbers_of, [7]) == [7]
    other = KeptFile(file.path, 1, "the row of numbers")
    assert other.write(other.text({"numbers": [1]}))
    assert file.read(numbers_of, [7]) == [7]
    assert not caplog.records


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b"null", b'{"format": 2}', b'{"format": 2, "numbers": ["1"]}']
)
def test_what_is_damaged_is_passed_over_with_a_warning(
    file: KeptFile, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    assert file.read(numbers_of, [7]) == [7]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "the row of numbers" in caplog.text


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    file: KeptFile, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file.write(file.text({"numbers": [1]}))

    def refuse(source: object, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        assert not file.write(file.text({"numbers": [2]}))
    assert "Permission denied" in caplog.text
    assert file.read(numbers_of, [7]) == [1]
    assert os.listdir(file.path.parent) == [file.path.name]
