from __future__ import annotations

import re
from datetime import datetime

from hypothesis import given, strategies as st

from llama_runner.logs.layout import console_text, file_text
from llama_runner.logs.line import LogLine

WHEN = datetime(2026, 11, 22, 15, 4, 5, 123_000).timestamp()


def line(text: str, level: str = "INFO") -> LogLine:
    return LogLine(WHEN, level, "llama_runner.runner", text)


def test_a_file_line_has_date_level_and_logger() -> None:
    assert file_text(line("ready")) == "2026-11-22 15:04:05.123 INFO  llama_runner.runner ready\n"


def test_a_console_line_is_shorter() -> None:
    assert console_text(line("lost", "ERROR")) == "15:04:05 ERROR lost\n"


def test_further_lines_of_a_message_are_indented() -> None:
    assert console_text(line("a\r\nb\nc\n")) == "15:04:05 INFO  a\n    b\n    c\n"


def test_what_moves_a_cursor_or_turns_text_is_escaped() -> None:
    told = console_text(line("model \x1b[2K\rfake\x85\u2028\u202e\ttab"))
    assert told == "15:04:05 INFO  model \\x1b[2K\\x0dfake\\x85\\u2028\\u202e\ttab\n"


@given(st.text())
def test_no_message_can_forge_a_line(text: str) -> None:
    for told in (file_text(line(text)), console_text(line(text))):
        first, *rest = told.splitlines()
        assert re.match(r"(2026-11-22 )?15:04:05", first)
        assert all(other.startswith("    ") for other in rest)
