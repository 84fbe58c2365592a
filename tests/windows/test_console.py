"""What a console that goes away makes of us; nobody can close one here, so it is called."""

from __future__ import annotations

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from llama_runner.platforms.console import console_held

assert sys.platform == "win32"

from llama_runner.platforms import console_windows as console  # noqa: E402 - not there elsewhere


@pytest.mark.parametrize("event", sorted(console.ENDS_US))
def test_the_end_is_asked_for_and_waits_until_the_program_has_stopped(event):
    asked, left = threading.Event(), threading.Event()
    handle = console.handler_for(asked.set, left)
    with ThreadPoolExecutor(1) as system:
        ended = system.submit(handle, event)
        assert asked.wait(10)
        assert not ended.done()
        left.set()
        assert ended.result(10) is True


@pytest.mark.parametrize("event", [console.CTRL_C_EVENT, console.CTRL_BREAK_EVENT])
def test_what_ends_nothing_is_left_to_python(event):
    handle = console.handler_for(lambda: pytest.fail("it was asked to end"), threading.Event())
    assert handle(event) is False


def test_windows_takes_the_handler_and_gives_it_back():
    for _ in range(2):
        with console_held(lambda: None):
            pass


def test_python_makes_signals_of_the_rest():
    assert {signal.SIGINT, signal.SIGBREAK} <= signal.valid_signals()
