"""A file takes another one's place, also while somebody reads the old one."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from llama_runner.platforms import replacing
from llama_runner.platforms.replacing import replace_file


def test_the_new_file_is_there_whole_and_the_scratch_gone(tmp_path):
    scratch, path = tmp_path / "a.part", tmp_path / "a"
    for text in ("first", "second"):
        scratch.write_text(text)
        replace_file(scratch, path)
        assert path.read_text() == text
        assert not scratch.exists()


def test_a_reader_of_the_old_file_is_waited_for(tmp_path):
    scratch, path = tmp_path / "a.part", tmp_path / "a"
    path.write_text("old")
    scratch.write_text("new")
    with ThreadPoolExecutor(1) as writer:
        with path.open() as reading:
            replaced = writer.submit(replace_file, scratch, path)
            assert reading.read() == "old"
        replaced.result(10)
    assert path.read_text() == "new"


def test_what_cannot_be_done_is_an_os_error(tmp_path, monkeypatch):
    tried = []

    def refuse(scratch, path):
        tried.append(path)
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(replacing, "PAUSE", 0)
    with pytest.raises(PermissionError):
        replace_file(tmp_path / "a", tmp_path / "b")
    assert len(tried) == (replacing.TRIES + 1 if sys.platform == "win32" else 1)
