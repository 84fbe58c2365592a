from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_urlsafe

import psutil

from llama_runner.runner.mark import bearers, bears, digest_of
from tests.support.fake_child import fake_launch


@contextmanager
def sleeper(key: str) -> Iterator[psutil.Process]:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(600)"],
        env={**os.environ, "LLAMA_API_KEY": key},
    ) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


def digest(key: str) -> str:
    return digest_of(fake_launch(environment={"LLAMA_API_KEY": key}))


def test_who_has_the_key_in_its_environment_bears_the_mark():
    key = token_urlsafe(16)
    with sleeper(key) as one, sleeper(token_urlsafe(16)) as other:
        assert bears(one, digest(key))
        assert not bears(other, digest(key))
        assert bearers(digest(key)) == [one]
        assert bearers(digest(key), known=(one.pid,)) == []
    assert not bears(one, digest(key))


def test_a_launch_without_a_key_has_no_mark_and_nobody_bears_it():
    assert digest_of(fake_launch()) == ""
    assert not bears(psutil.Process(), "")
    assert bearers("") == []


def test_the_mark_does_not_give_the_key_away():
    assert "secret" not in digest("secret")
