"""The job object, on the only system that has one."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="job objects are Windows's")

PROGRAM = """
import os, subprocess, sys
from llama_runner.platforms.job_object import join_lifetime_job
join_lifetime_job()
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
os._exit(3)
"""


def test_what_we_started_ends_with_us_and_our_exit_code_stays():
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 3
    gone, alive = psutil.wait_procs(processes(int(ended.stdout)), timeout=10)
    assert not alive


def processes(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []
