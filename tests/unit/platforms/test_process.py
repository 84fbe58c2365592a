from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from llama_runner.platforms.process import lives, start_of


def test_we_live_and_started_when_the_system_says():
    assert start_of(os.getpid()) == psutil.Process().create_time()
    assert lives(os.getpid(), start_of(os.getpid()))


def test_a_process_with_our_number_and_another_start_is_not_us():
    assert not lives(os.getpid(), start_of(os.getpid()) - 60)


def test_a_process_that_has_ended_does_not_live_whether_or_not_anyone_took_note():
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        started = start_of(process.pid)
        psutil.wait_procs([psutil.Process(process.pid)], timeout=0)
        process.wait()
        assert not lives(process.pid, started)
    with pytest.raises(psutil.NoSuchProcess):
        start_of(process.pid)
