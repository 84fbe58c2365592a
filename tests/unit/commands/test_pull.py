"""``pull`` against a scripted port, and what it tells."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from llama_runner.commands.pull_progress import PullProgress
from llama_runner.platforms.console_text import CLEARED

DIGEST = "sha256:17037020"


def layer(completed: int | None, total: int = 1000) -> dict[str, object]:
    done = {} if completed is None else {"completed": completed}
    return {"status": "pulling 17037020", "digest": DIGEST, "total": total, **done}


LINES: list[dict[str, Any]] = [
    {"status": "pulling manifest"},
    *(layer(done) for done in (None, 50, 100, 150, 500, 1000, 1000)),
    {"status": "verifying sha256 digest"},
    {"status": "success"},
]


def test_lines_are_told_where_there_is_no_terminal(ollama, command, capsys):
    ollama.answers["/api/pull"] = (200, LINES)
    assert command("pull", "x") == 0
    told = capsys.readouterr()
    assert told.out == ""
    percents = [line.partition(": ")[2].split("%")[0].strip() for line in told.err.splitlines()]
    assert percents == ["", "0", "10", "50", "100", "", ""]
    assert told.err.endswith("verifying sha256 digest\nsuccess\n") and "\x1b" not in told.err
    assert ollama.bodies("/api/pull") == [{"model": "x"}]


def test_json_is_the_lines_of_the_port(ollama, command, capsys):
    ollama.answers["/api/pull"] = (200, LINES)
    assert command("pull", "x", "--json") == 0
    told = capsys.readouterr()
    assert [json.loads(line) for line in told.out.splitlines()] == LINES
    assert told.err == ""


def test_what_the_port_says_is_wrong_is_told(ollama, command, capsys):
    ollama.answers["/api/pull"] = (200, [LINES[0], {"error": "file does not exist"}])
    assert command("pull", "x") == 1
    assert capsys.readouterr().err == "pulling manifest\nfile does not exist\n"


def test_a_pull_that_only_ends_was_not_done(ollama, command, capsys):
    ollama.answers["/api/pull"] = (200, LINES[:4])
    assert command("pull", "x") == 1
    assert "ended before it was done" in capsys.readouterr().err


def test_a_bar_is_drawn_in_place_and_tells_the_speed():
    written: list[str] = []
    clock = count()
    progress = PullProgress(written.append, lambda: float(next(clock)), bars=True)
    for line in LINES:
        progress.take(line)
    progress.end()
    text = "".join(written)
    drawn = [part for part in text.split(CLEARED) if "[" in part]
    assert all("\n" not in part for part in drawn) and len(drawn) == 5
    assert " 50% [###############...............] 500 B of 1 kB, " in drawn[-1]
    assert "B/s, 0m" in drawn[-1]
    assert text.endswith("verifying sha256 digest\n" + CLEARED + "success\n")


def test_what_was_there_already_does_not_count_as_speed():
    written: list[str] = []
    clock = iter((0.0, 1.0))
    progress = PullProgress(written.append, lambda: next(clock), bars=False)
    progress.take(layer(500_000, 1_000_000))
    progress.take(layer(600_000, 1_000_000))
    assert "600 kB of 1 MB, 100 kB/s, 0m04s" in written[-1]
