from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llama_runner.errors import ConfigError
from llama_runner.runner.engine import EngineKind, Machine, resolve_engine

ELSEWHERE = r"F:\no such folder\llama-server.exe"


@pytest.fixture
def program(tmp_path):
    path = tmp_path / ("llama-server.exe" if sys.platform == "win32" else "llama-server")
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o755)
    return path


def machine(found: Path | None = None, embedded: str | None = None) -> Machine:
    return Machine(which=lambda _: str(found) if found else None, embedded_version=lambda: embedded)


def test_the_configured_path_comes_before_everything_installed(program, tmp_path):
    engine = resolve_engine(None, str(program), machine(tmp_path / "other", "1.0"))
    assert engine.command == (str(program),)
    assert engine.kind is EngineKind.LLAMA_SERVER


def test_a_configured_path_of_another_machine_gives_way_to_path(program):
    engine = resolve_engine(None, ELSEWHERE, machine(program, "1.0"))
    assert engine.command == (str(program),)
    assert engine.reason == f"{ELSEWHERE} is not on this machine; using {program} from PATH"


def test_the_embedded_engine_comes_last_and_the_sentence_says_why():
    engine = resolve_engine(None, ELSEWHERE, machine(None, "2026.10"))
    assert engine.kind is EngineKind.EMBEDDED
    assert engine.command == (sys.executable, "-m", "llama_runner.embedded")
    assert engine.reason == (
        f"{ELSEWHERE} is not on this machine; using the embedded engine (xllamacpp 2026.10)"
    )


def test_nothing_configured_needs_no_excuse():
    reason = resolve_engine(None, "", machine(None, "1")).reason
    assert reason == "using the embedded engine (xllamacpp 1)"


def test_what_was_asked_for_overrides_the_configuration(program, tmp_path):
    configured = tmp_path / "configured"
    configured.write_text("", encoding="ascii")
    configured.chmod(0o755)
    assert resolve_engine(str(program), str(configured), machine()).command == (str(program),)


def test_what_was_asked_for_and_is_missing_is_never_replaced():
    with pytest.raises(ConfigError, match="no-such-engine is not on this machine"):
        resolve_engine("no-such-engine", "", machine(None, "1.0"))


def test_a_name_that_was_asked_for_is_looked_up_on_path(program):
    assert resolve_engine("llama-server", "", machine(program)).command == (str(program),)


def test_the_folder_of_a_build_stands_for_the_program_in_it(program):
    assert resolve_engine(str(program.parent), "", machine()).command == (str(program),)


def test_the_embedded_engine_can_be_asked_for_by_name(program):
    engine = resolve_engine("embedded", str(program), machine(program, "1.0"))
    assert engine.kind is EngineKind.EMBEDDED


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
def test_a_file_that_is_not_executable_says_so(program):
    program.chmod(0o644)
    with pytest.raises(ConfigError, match="is not executable"):
        resolve_engine(str(program), "", machine())


def test_a_machine_without_any_engine_names_every_way_out():
    with pytest.raises(ConfigError) as caught:
        resolve_engine(None, ELSEWHERE, machine())
    assert caught.value.problems[0] == f"{ELSEWHERE} is not on this machine"
    assert "engine.path" in caught.value.problems[1]


def test_children_of_the_embedded_engine_find_this_package():
    engine = resolve_engine("embedded", "", machine(None, "1.0"))
    package = Path(engine.environment["PYTHONPATH"]) / "llama_runner" / "embedded.py"
    assert package.is_file()


def test_this_machine_tells_the_version_of_its_own_library():
    assert resolve_engine("embedded", "").description.startswith("the embedded engine (xllamacpp ")
