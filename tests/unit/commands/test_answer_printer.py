"""How an answer looks on a terminal and elsewhere."""

from __future__ import annotations

import pytest

from llama_runner.commands.answer_printer import AnswerPrinter
from llama_runner.platforms.console_text import DIM, PLAIN


def printed(*messages: dict[str, str], terminal: bool) -> str:
    written: list[str] = []
    printer = AnswerPrinter(written.append, terminal)
    for message in messages:
        printer.take({"message": message})
    printer.end()
    return "".join(written)


def test_thinking_is_dimmed_on_a_terminal():
    text = printed({"thinking": "hm"}, {"content": "yes"}, terminal=True)
    assert text == f"{DIM}Thinking...\nhm\n...done thinking.{PLAIN}\n\nyes\n"


def test_thinking_that_is_broken_off_leaves_the_terminal_plain():
    assert printed({"thinking": "hm"}, terminal=True).endswith(f"{PLAIN}\n\n")


@pytest.mark.parametrize(("terminal", "out"), [(True, "a]0;x\tb\n"), (False, "a\x1b]0;x\x07\tb\n")])
def test_a_model_does_not_command_the_terminal(terminal, out):
    assert printed({"content": "a\x1b]0;x\x07\tb"}, terminal=terminal) == out
