"""The bootstrap on Windows: it cannot become the program, so it waits for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.windows.program import ANY_PORTS, Installed, install, served

USERS = ("Anna", "張 庭 綱", "Егор", "Zoë O'Neill & Söhne (2)")


@pytest.fixture(params=USERS)
def installed(shipped_engine: Path, request: pytest.FixtureRequest, tmp_path: Path) -> Installed:
    return install(tmp_path / request.param)


async def test_it_passes_on_what_the_program_says_and_how_it_ends(installed):
    code, said = await installed.run("validate", "--json")
    assert code == 0, said
    told = json.loads(said.splitlines()[-1])
    assert told["valid"] is True
    code, said = await installed.run("start", "--config-dir", r"Q:\none")
    assert code == 2
    assert r"Q:\none" in said


async def test_a_port_that_is_taken_is_exit_code_3(shipped_engine, tmp_path):
    installed = install(tmp_path / "Anna")
    async with served(installed) as program:
        port = program.ready["lmstudio"].rpartition(":")[2]
        other = Installed(installed.folder)
        code, said = await other.run(
            *("start", "--state-dir", str(tmp_path / "other"), *ANY_PORTS),
            *("--lmstudio-port", port),
        )
    assert code == 3, said
    assert f"127.0.0.1:{port}" in said


async def test_the_program_is_a_child_that_the_bootstrap_waits_for(shipped_engine, tmp_path):
    installed = install(tmp_path / "Anna")
    async with served(installed) as program:
        assert program.pid != program.process.pid
        await installed.run("stop", "--state-dir", str(installed.state))
        assert await program.ended() == 0
    async with served(installed, command=installed.by_package()) as program:
        assert program.pid == program.process.pid


def test_this_python_is_the_one_that_people_have():
    assert sys.version_info[:2] >= (3, 11)
