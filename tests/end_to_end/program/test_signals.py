"""What signals do to a program that serves, and to one that does not yet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.support.served_program import GRACE, PATIENCE, argv_of

pytestmark = [pytest.mark.engine, pytest.mark.slow]

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")


def story(client: openai.OpenAI, tokens: int) -> Any:
    """Open a stream of so many tokens."""
    return client.completions.create(
        model="chat", prompt="Once", max_tokens=tokens, stream=True, extra_body={"ignore_eos": True}
    )


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_program_with_code_0(running, number):
    running.signal(number)
    running.ended(within=GRACE + 5)
    assert running.process.stdout.read() == ""
    assert "Traceback" not in running.said
    assert not list((running.setup.folder / "state").glob("running*"))


@pytest.fixture
def heeded_interrupt() -> Iterator[None]:
    """See to it that what is started heeds Ctrl-C; what a shell has in the background does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("heeded_interrupt")
def test_an_interrupt_before_it_serves_ends_it_without_a_trace(small):
    waiting = small.folder / "config" / "app_config.json"
    options = small.options()
    waiting.unlink()
    if sys.platform != "win32":  # for mypy
        os.mkfifo(waiting)  # what reads it waits until someone writes
    with subprocess.Popen(
        argv_of("start", *options), stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        with waiting.open("w"):  # opens once the other side reads
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert told == "interrupted\n"


@posix
def test_a_stop_lets_a_running_answer_finish(client, talking):
    with story(client, tokens=60) as stream:
        chunks = iter(stream)
        next(chunks)
        talking.signal(signal.SIGTERM)
        told = list(chunks)
    assert told[-1].choices[0].finish_reason == "length"
    talking.ended()


@posix
def test_a_second_signal_hurries_and_every_stream_still_ends_well(client, talking):
    with story(client, tokens=2000) as stream:
        chunks = iter(stream)
        next(chunks)
        began = time.monotonic()
        talking.signal(signal.SIGTERM)
        next(chunks)
        talking.signal(signal.SIGTERM)
        with pytest.raises(openai.APIError) as caught:
            list(chunks)
    assert type(caught.value) is openai.APIError
    assert caught.value.code == "shutting_down"
    talking.ended(within=PATIENCE)
    assert time.monotonic() - began < PATIENCE
