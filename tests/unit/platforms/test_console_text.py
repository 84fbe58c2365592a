from __future__ import annotations

import io
import sys

import pytest

from llama_runner.platforms.console_text import heeds_sequences, is_terminal, ready_streams


def test_any_text_can_be_written_where_the_system_would_write_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="cp1252"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    ready_streams()
    print("日本 \ud800", end="", flush=True)
    assert raw.getvalue().decode() == "日本 ?"


def test_a_file_is_no_terminal(tmp_path) -> None:
    with (tmp_path / "file").open("w") as file:
        assert not is_terminal(file) and not heeds_sequences(file)
    assert not is_terminal(file)
