from __future__ import annotations

import gc
import logging
import sys
import weakref

from llama_runner.logs.line import MAX_TEXT, LogLine, line_of


class Held:
    """Something that a frame holds."""


def record(message: str, *args: object, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("llama_runner.x", logging.ERROR, "x.py", 7, message, args, None)
    made.__dict__.update(more)
    return made


def test_a_line_has_what_its_record_says() -> None:
    made = record("%s took %d s", "load", 3)
    line = line_of(made)
    assert (line.text, line.level, line.logger) == ("load took 3 s", "ERROR", "llama_runner.x")
    assert line.created == made.created


def test_a_line_has_the_trace_without_keeping_alive_what_its_frames_hold() -> None:
    def fail() -> weakref.ref[Held]:
        held = Held()
        watch = weakref.ref(held)
        try:
            raise ValueError("broken")
        except ValueError:
            lines.append(line_of(record("failed", exc_info=sys.exc_info())))
        return watch

    lines: list[LogLine] = []
    watch = fail()
    gc.collect()
    assert watch() is None
    first, *_, last = lines[0].text.splitlines()
    assert (first, last) == ("failed", "ValueError: broken")
    assert "in fail" in lines[0].text


def test_the_stack_is_told_when_asked_for() -> None:
    assert line_of(record("here", stack_info="Stack:\n  f()")).text == "here\nStack:\n  f()"


def test_an_endless_message_is_cut() -> None:
    text = line_of(record("x" * (MAX_TEXT + 5))).text
    assert text == "x" * MAX_TEXT + "… (5 more characters)"
