from __future__ import annotations

import pytest

from llama_runner.runner.exit_code import ExitKind, explain_exit


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (0, ExitKind.PLAIN, "exit code 0"),
        (1, ExitKind.PLAIN, "exit code 1"),
        (-9, ExitKind.KILLED, "for want of memory"),
        (-15, ExitKind.KILLED, "SIGTERM"),
        (-11, ExitKind.CRASHED, "SIGSEGV"),
        (-4, ExitKind.CRASHED, "processor"),
        (-250, ExitKind.CRASHED, "signal 250"),
        (0xC0000135, ExitKind.MISSING_LIBRARY, "DLL"),
        (0xC0000139, ExitKind.MISSING_LIBRARY, "wrong version"),
        (0xC0000017, ExitKind.OUT_OF_MEMORY, "memory"),
        (0xC0000005, ExitKind.CRASHED, "access violation"),
        (0xC0001234, ExitKind.CRASHED, "0xC0001234"),
    ],
)
def test_an_exit_code_speaks(code, kind, words):
    meaning = explain_exit(code)

    assert meaning.kind is kind
    assert words in meaning.text
