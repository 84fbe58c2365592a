"""Which llama-server this machine runs, and the plain sentence that says why.

The order: what the user named on the command line or in the environment;
else the path of the configuration; else ``llama-server`` on PATH; else the
embedded engine. The configured path may belong to another machine: it is
passed over with a sentence and never rewritten.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from attrs import field, frozen

import llama_runner
from llama_runner.errors import ConfigError

EMBEDDED = "embedded"
PROGRAM = "llama-server"


class EngineKind(Enum):
    """What stands behind an engine's command."""

    LLAMA_SERVER = "llama-server"
    EMBEDDED = EMBEDDED


@frozen
class Engine:
    """A llama-server, or what stands in for one."""

    command: tuple[str, ...]
    kind: EngineKind
    description: str
    reason: str
    environment: Mapping[str, str] = field(factory=dict)
    """What its children need beside what every child gets."""


@frozen
class Machine:
    """What this machine offers to choose from; a value, so that tests can have another."""

    which: Callable[[str], str | None] = shutil.which
    embedded_version: Callable[[], str | None] = lambda: _embedded_version()


def resolve_engine(override: str | None, configured: str, machine: Machine | None = None) -> Engine:
    """Return the engine to use and why, or raise ConfigError when there is none.

    ``override`` is what ``--engine`` or ``LLAMA_RUNNER_ENGINE`` named: it is
    taken or refused, never replaced by something else. The word ``embedded``
    names the embedded engine.
    """
    machine = machine or Machine()
    if override:
        return _named(override, machine)
    passed_over = _why_not(configured) if configured else ""
    if configured and not passed_over:
        return _program(Path(configured), "engine.path of the configuration names it")
    found = machine.which(PROGRAM)
    if found is not None:
        return _program(Path(found), _joined(passed_over, f"using {found} from PATH"))
    return _embedded(machine, passed_over)


def _named(name: str, machine: Machine) -> Engine:
    if name == EMBEDDED:
        return _embedded(machine, "")
    path = _inside(Path(name).expanduser())
    problem = _why_not(str(path))
    if not problem:
        return _program(path.absolute(), f"{name} was asked for")
    found = machine.which(name) if Path(name).name == name else None
    if found is not None:
        return _program(Path(found), f"{name} was asked for")
    raise ConfigError("--engine", (problem,))


def _inside(path: Path) -> Path:
    """Accept the folder of a llama.cpp build in place of the program in it."""
    if not path.is_dir():
        return path
    return path / (f"{PROGRAM}.exe" if sys.platform == "win32" else PROGRAM)


def _why_not(path: str) -> str:
    """Return the sentence that says why this path cannot be run; empty if it can."""
    candidate = Path(path)
    if not candidate.is_file():
        return f"{path} is not on this machine"
    if not os.access(candidate, os.X_OK):
        return f"{path} is not executable"
    return ""


def _program(path: Path, reason: str) -> Engine:
    return Engine((str(path),), EngineKind.LLAMA_SERVER, str(path), reason)


def _embedded(machine: Machine, passed_over: str) -> Engine:
    release = machine.embedded_version()
    if release is None:
        missing = (
            f"no engine: {PROGRAM} is not on PATH and the embedded engine is not installed "
            "(pip install xllamacpp); set engine.path or give --engine PATH"
        )
        raise ConfigError("engine", (passed_over, missing) if passed_over else (missing,))
    description = f"the embedded engine (xllamacpp {release})"
    command = (sys.executable, "-m", "llama_runner.embedded")
    reason = _joined(passed_over, f"using {description}")
    # A child must find this very package, installed or not, from any folder.
    package = str(Path(llama_runner.__file__).parent.parent)
    return Engine(
        command, EngineKind.EMBEDDED, description, reason, environment={"PYTHONPATH": package}
    )


def _joined(passed_over: str, taken: str) -> str:
    return f"{passed_over}; {taken}" if passed_over else taken


def _embedded_version() -> str | None:
    # find_spec, not import: loading the library takes a tenth of a second
    # and starts threads that this process has no use for.
    if find_spec("xllamacpp") is None:
        return None
    try:
        return version("xllamacpp")
    except PackageNotFoundError:
        return "of unknown version"
