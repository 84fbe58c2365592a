from __future__ import annotations

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK_TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SECTIONS = ("runtime", "embedded")


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "main.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tools:
    """Stands in for venv and pip: keeps the commands and does what they would."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.failing: dict[str, str] = {}

    def __call__(self, command, watch=None):
        self.commands.append(command)
        if command[2] == "venv":
            shutil.rmtree(command[-1], ignore_errors=True)
            make_venv(Path(command[-1]))
            return 0, []
        section = Path(command[-1]).stem
        if section in self.failing:
            return 1, ["ERROR: first", self.failing[section]]
        return 0, []

    @property
    def installed(self):
        return [Path(command[-1]).stem for command in self.commands if command[2] == "pip"]


def make_venv(folder, made_for=None):
    made_for = made_for or "%d.%d.0" % sys.version_info[:2]
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    programs.mkdir(parents=True, exist_ok=True)
    (programs / ("python.exe" if sys.platform == "win32" else "python")).touch()
    (folder / "pyvenv.cfg").write_text(f"home = x\nversion = {made_for}\n", encoding="utf-8")


@pytest.fixture
def tools(bootstrap, monkeypatch):
    tools = Tools()
    monkeypatch.setattr(bootstrap, "run", tools)
    return tools


@pytest.fixture
def lock(bootstrap):
    return bootstrap.read_lock(LOCK_TEXT)


@pytest.fixture
def venv(bootstrap, tmp_path):
    return bootstrap.Environment(tmp_path / ".venv")


def test_the_first_start_makes_the_environment_and_installs_by_section(tools, venv, lock):
    venv.prepare(lock, SECTIONS)
    assert tools.commands[0][1:3] == ["-m", "venv"]
    assert tools.installed == ["runtime", "embedded"]
    assert venv.has(lock, SECTIONS)


def test_the_second_start_calls_nothing(bootstrap, tools, lock, tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "is_environment_active", lambda: False)
    (tmp_path / "requirements.lock").write_text(LOCK_TEXT, encoding="utf-8")
    first = bootstrap.ready_interpreter(SECTIONS)
    calls = len(tools.commands)
    assert bootstrap.ready_interpreter(SECTIONS) == first
    assert len(tools.commands) == calls
    assert first.startswith(str(tmp_path / ".venv"))


def test_every_requirement_is_installed_by_hash_and_never_built(tools, venv, lock):
    venv.prepare(lock, SECTIONS)
    command = tools.commands[-1]
    assert {"--require-hashes", "--no-deps", "--only-binary", ":all:"} <= set(command)
    written = (venv.folder / "runtime.txt").read_text(encoding="utf-8")
    assert len(re.findall(r"^\w+.*==", written, re.M)) == len(lock["runtime"])
    assert all("--hash=sha256:" in entry for entry in lock["runtime"])


def test_tests_add_their_tools_to_what_is_there(tools, venv, lock):
    venv.prepare(lock, SECTIONS)
    tools.commands.clear()
    venv.prepare(lock, (*SECTIONS, "dev"))
    assert tools.installed == ["dev"]


def test_a_changed_lock_brings_everything_up_to_date_that_was_ever_installed(tools, venv, lock):
    venv.prepare(lock, (*SECTIONS, "dev"))
    tools.commands.clear()
    changed = lock | {"runtime": lock["runtime"][1:], "dev": lock["dev"][1:]}
    assert not venv.has(changed, SECTIONS)
    venv.prepare(changed, SECTIONS)
    assert tools.installed == ["runtime", "dev"]


def test_a_failed_install_tells_the_last_lines_and_is_tried_again(bootstrap, tools, venv, lock):
    tools.failing["runtime"] = "ERROR: connection refused"
    with pytest.raises(bootstrap.SetupFailed, match="(?s)code 1:.*first.*refused.*tries again"):
        venv.prepare(lock, SECTIONS)
    assert not venv.has(lock, SECTIONS)
    tools.failing.clear()
    venv.prepare(lock, SECTIONS)
    assert venv.has(lock, SECTIONS)


def test_a_failure_ends_the_start_with_its_code(bootstrap, monkeypatch, capsys):
    def fail(_):
        raise bootstrap.SetupFailed("pip ended with code 1")

    monkeypatch.setattr(bootstrap, "ready_interpreter", fail)
    assert bootstrap.main(["start"]) == bootstrap.SETUP_FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: pip ended with code 1\n"


def test_a_platform_without_the_embedded_engine_starts_and_is_not_asked_again(
    tools, venv, lock, capsys
):
    tools.failing["embedded"] = "ERROR: No matching distribution found for xllamacpp"
    venv.prepare(lock, SECTIONS)
    assert venv.has(lock, SECTIONS)
    assert "a llama-server on PATH or in engine.path is needed" in capsys.readouterr().err


def test_an_embedded_engine_lost_to_the_network_is_tried_again(tools, venv, lock):
    tools.failing["embedded"] = "ERROR: connection refused"
    venv.prepare(lock, SECTIONS)
    assert venv.has(lock, ("runtime",))
    assert not venv.has(lock, SECTIONS)
    tools.failing.clear()
    tools.commands.clear()
    venv.prepare(lock, SECTIONS)
    assert tools.installed == ["embedded"]


@pytest.mark.parametrize("broken", ["python", "settings", "old python", "stamp"])
def test_a_broken_environment_is_made_again(tools, venv, lock, broken):
    venv.prepare(lock, SECTIONS)
    match broken:
        case "python":
            venv.python.unlink()
        case "settings":
            (venv.folder / "pyvenv.cfg").unlink()
        case "old python":
            make_venv(venv.folder, made_for="3.10.2")
        case "stamp":
            venv.stamp.write_text("{", encoding="utf-8")
    assert not venv.has(lock, SECTIONS)
    tools.commands.clear()
    venv.prepare(lock, SECTIONS)
    assert "pip" in {command[2] for command in tools.commands}
    assert venv.has(lock, SECTIONS)


def test_a_python_without_ensurepip_names_the_package_that_has_it(
    bootstrap, tools, venv, lock, monkeypatch
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    expected = "apt install python%d.%d-venv" % sys.version_info[:2]
    with pytest.raises(bootstrap.SetupFailed, match=expected):
        venv.prepare(lock, SECTIONS)


def test_an_active_environment_that_satisfies_the_lock_is_used_as_it_is(
    bootstrap, tools, monkeypatch
):
    monkeypatch.setattr(bootstrap, "is_environment_active", lambda: True)
    monkeypatch.setattr(bootstrap, "first_lacking", lambda lock, sections: None)
    monkeypatch.setattr(bootstrap, "ROOT", ROOT)
    assert bootstrap.ready_interpreter(SECTIONS) == sys.executable
    assert tools.commands == []


def test_an_active_environment_that_lacks_something_is_left_alone(
    bootstrap, tools, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(bootstrap, "is_environment_active", lambda: True)
    monkeypatch.setattr(bootstrap, "first_lacking", lambda lock, sections: "trio 9.9")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    (tmp_path / "requirements.lock").write_text(LOCK_TEXT, encoding="utf-8")
    assert bootstrap.ready_interpreter(SECTIONS).startswith(str(tmp_path))
    assert "lacks trio 9.9; using" in capsys.readouterr().err


def test_what_an_environment_lacks_is_found_by_exact_version(bootstrap):
    lock = {"runtime": [f"attrs=={version('attrs')}", "other==1 ; os_name == 'nt'"], "dev": []}
    assert bootstrap.first_lacking(lock, ("runtime", "dev")) is None
    lock["dev"] = ["attrs==0.1 \\\n    --hash=sha256:0"]
    assert bootstrap.first_lacking(lock, ("runtime",)) is None
    assert bootstrap.first_lacking(lock, ("runtime", "dev")) == "attrs 0.1"
    assert bootstrap.first_lacking({"x": ["no-such==1"]}, ("x",)) == "no-such 1"


def test_test_gets_its_tools_and_everything_else_goes_on_as_it_came(bootstrap, monkeypatch):
    seen = []

    def hand_over(command):
        seen.append(command)
        return 7

    monkeypatch.setattr(bootstrap, "ready_interpreter", ",".join)
    monkeypatch.setattr(bootstrap, "hand_over", hand_over)
    assert bootstrap.main(["test", "-k", "x"]) == 7
    assert bootstrap.main(["start", "--json"]) == 7
    assert seen == [
        ["runtime,embedded,dev", "-P", "-m", "tests", "-k", "x"],
        ["runtime,embedded", "-P", "-m", "llama_runner", "start", "--json"],
    ]


def test_a_spawned_command_passes_its_exit_code_on(bootstrap):
    code = (
        "import importlib.util as u, sys\n"
        f"s = u.spec_from_file_location('b', {str(ROOT / 'main.py')!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m)\n"
        "sys.exit(m.spawn_and_wait([sys.executable, '-c', 'raise SystemExit(3)'], {}))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 3


def test_progress_counts_packages_wherever_they_come_from(bootstrap, capsys):
    progress = bootstrap.Progress(3)
    progress("Looking in indexes: a\n")
    progress("Collecting quart-trio==0.12.0 (from -r x (line 1))\n")
    progress("Processing /wheels/typing_extensions-4.16.0-py3-none-any.whl (from x)\n")
    progress("Requirement already satisfied: attrs==26.1.0 in y\n")
    progress("Installing collected packages: trio\n")
    assert capsys.readouterr().err.splitlines() == [
        "  1/3 quart-trio 0.12.0",
        "  2/3 typing_extensions 4.16.0",
        "  3/3 attrs 26.1.0",
        "  unpacking",
    ]


def test_main_reads_on_a_python_that_is_too_old_for_it():
    source = (ROOT / "main.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))


def test_the_lock_holds_everything_that_the_project_asks_for(bootstrap, lock):
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"runtime": project["dependencies"]} | project["optional-dependencies"]
    for section, requirements in wanted.items():
        pins = {name: number for name, number, _ in map(bootstrap.pin, lock[section])}
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_the_lock_names_no_index_and_every_hash():
    assert "://" not in LOCK_TEXT
    entries = [line for line in LOCK_TEXT.splitlines() if "==" in line and "--hash" not in line]
    assert entries and all(line.endswith("\\") for line in entries)


def test_the_stamp_is_readable_by_people(tools, venv, lock):
    venv.prepare(lock, SECTIONS)
    assert set(json.loads(venv.stamp.read_text(encoding="utf-8"))) == set(SECTIONS)
