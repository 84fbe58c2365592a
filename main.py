#!/usr/bin/env python3
"""Make this checkout's environment ready, then hand over to ``llama_runner``.

Standard library only. An active virtual or Anaconda environment that holds
exactly what requirements.lock says is used as it is; else ``.venv`` beside
this file is made and filled once. When nothing changed, no pip is called.

No ``from __future__`` and nothing newer than an f-string before the check
below: an old Python must get as far as its message.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

if sys.version_info < (3, 11):
    sys.stderr.write(
        "LlamaRunner Pro needs Python 3.11 or newer; this is Python %d.%d (%s).\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(2)

ROOT = Path(__file__).resolve().parent
SETUP_FAILED = 2
LINES_OF_A_FAILURE = 12
# Not every platform has a wheel of it, and a real llama-server does without.
OPTIONAL = "embedded"
# Commands that belong to the checkout, not to the program.
TOOLS = {"test": "tests", "soak": "tests.soak", "bench": "tests.bench"}


class SetupFailed(Exception):
    """The environment cannot be made ready; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Prepare, hand over, and return the exit code where handing over returns."""
    tool = TOOLS.get(arguments[0]) if arguments else None
    if os.name == "nt":
        from llama_runner.platforms.lifetime import end_children_with_us

        end_children_with_us(say)
    sections = ("runtime", OPTIONAL, "dev") if tool else ("runtime", OPTIONAL)
    try:
        python = ready_interpreter(sections)
    except SetupFailed as error:
        say(f"error: {error}")
        return SETUP_FAILED
    except KeyboardInterrupt:
        say("interrupted; the next start goes on from here")
        return 128 + 2
    module, rest = (tool, arguments[1:]) if tool else ("llama_runner", arguments)
    # -P: what lies in the folder where the user stands is not ours to import.
    return hand_over([python, "-P", "-m", module, *rest])


def say(line: str) -> None:
    """Tell the user; stdout belongs to what runs after us."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def ready_interpreter(sections: tuple[str, ...]) -> str:
    """Return the interpreter that has what these sections of the lock name."""
    lock = read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    venv = Environment(ROOT / ".venv")
    if not venv.is_active() and is_environment_active():
        lacking = first_lacking(lock, sections)
        if lacking is None:
            return sys.executable
        if not venv.has(lock, sections):
            say(f"the active environment {sys.prefix} lacks {lacking}; using {venv.folder}")
    if not venv.has(lock, sections):
        venv.prepare(lock, sections)
    return str(venv.python)


def is_environment_active() -> bool:
    """Tell whether we run in a virtual or Anaconda environment that someone chose."""
    conda = os.environ.get("CONDA_PREFIX")
    return sys.prefix != sys.base_prefix or (conda is not None and Path(conda) == Path(sys.prefix))


def first_lacking(lock: dict[str, list[str]], sections: tuple[str, ...]) -> str | None:
    """Return the first pinned package that this interpreter has not in that very version."""
    from importlib.metadata import PackageNotFoundError, version

    for entry in (entry for section in sections for entry in lock[section]):
        name, wanted, marker = pin(entry)
        try:
            fits = version(name) == wanted
        except PackageNotFoundError:
            # One with a marker is for other systems, or whatever needs it
            # would not have been installed without it.
            fits = bool(marker)
        if not fits:
            return f"{name} {wanted}"
    return None


def read_lock(text: str) -> dict[str, list[str]]:
    """Return the entries of each section, hashes included."""
    _, *parts = re.split(r"^# \[(\w+)\]\n", text, flags=re.MULTILINE)
    bodies = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name: re.findall(r"^\w.*(?:\n .*)*", body, re.M) for name, body in bodies.items()}


def pin(entry: str) -> tuple[str, str, str]:
    """Return name, version and marker of one entry."""
    requirement = entry.partition("\n")[0].rstrip("\\ ")
    package, _, marker = requirement.partition(" ; ")
    name, _, version = package.partition("==")
    return name, version, marker


class Environment:
    """The virtual environment of this checkout, and a stamp that says what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp = folder / "llamarunner.json"
        programs = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = programs / ("python.exe" if os.name == "nt" else "python")

    def is_active(self) -> bool:
        """Tell whether we run in it already."""
        return Path(sys.prefix) == self.folder

    def has(self, lock: dict[str, list[str]], sections: tuple[str, ...]) -> bool:
        """Tell, from the stamp alone, whether these sections are in it."""
        stamp = self.read_stamp()
        return self.is_sound() and all(stamp.get(name) == digest(lock[name]) for name in sections)

    def read_stamp(self) -> dict[str, str]:
        """Return the digest of each section that was installed."""
        try:
            stamp = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def is_sound(self) -> bool:
        """Tell whether its interpreter is there and still the one that it was made for."""
        try:
            settings = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        except OSError:
            return False
        made_for = re.search(r"^version(?:_info)? *= *(\d+)\.(\d+)", settings, re.MULTILINE)
        if not self.python.exists() or made_for is None:
            return False
        version = (int(made_for[1]), int(made_for[2]))
        same = self.python.resolve() == Path(sys.executable).resolve()
        # A system upgrade leaves the link in place, with another Python behind it.
        return version == sys.version_info[:2] if same else version >= (3, 11)

    def prepare(self, lock: dict[str, list[str]], sections: tuple[str, ...]) -> None:
        """Make what is missing; a failure leaves a stamp of what did succeed."""
        if not self.is_sound():
            self.create()
        stamp = self.read_stamp()
        # What was asked for once is kept up to date, so that all versions agree.
        wanted = [name for name in lock if name in sections or name in stamp]
        for name in wanted:
            if stamp.get(name) == digest(lock[name]):
                continue
            if self.install(name, lock[name]):
                stamp[name] = digest(lock[name])
                self.stamp.write_text(json.dumps(stamp, indent=1), encoding="utf-8")

    def create(self) -> None:
        """Make the environment, or say which package makes that possible."""
        from importlib.util import find_spec

        if find_spec("ensurepip") is None:
            version = "%d.%d" % sys.version_info[:2]
            raise SetupFailed(
                "this Python cannot make virtual environments because ensurepip is missing; "
                f"on Debian and Ubuntu: apt install python{version}-venv"
            )
        say(f"making {self.folder}")
        code, lines = run([sys.executable, "-m", "venv", "--clear", str(self.folder)])
        if code:
            raise SetupFailed(failure("making the virtual environment", code, lines))

    def install(self, name: str, entries: list[str]) -> bool:
        """Install one section; return whether to remember that."""
        say(f"installing up to {len(entries)} packages ({name})")
        requirements = self.folder / f"{name}.txt"
        requirements.write_text("\n".join(entries) + "\n", encoding="utf-8")
        options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input"]
        options += ["--disable-pip-version-check", "--progress-bar", "off"]
        command = [str(self.python), "-m", "pip", "install", *options, "-r", str(requirements)]
        code, lines = run(command, Progress(len(entries)))
        if not code:
            return True
        if name != OPTIONAL:
            raise SetupFailed(failure("pip", code, lines) + "\nthe next start tries again")
        say(f"the embedded engine cannot be installed here ({lines[-1] if lines else code}); ")
        say("a llama-server on PATH or in engine.path is needed")
        # No wheel for this platform stays so until the lock changes; a lost network does not.
        return any("No matching distribution" in line for line in lines)


def digest(entries: list[str]) -> str:
    """Return what changes when a section of the lock changes."""
    return hashlib.sha256("\n".join(entries).encode()).hexdigest()


class Progress:
    """Turns pip's lines into a count that the user can watch."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def __call__(self, line: str) -> None:
        """Take one line of pip's output."""
        found = re.match(r"(?:Collecting|Processing|Requirement already satisfied:) (\S+)", line)
        if found:
            self.done += 1
            # A wheel from a folder comes with its path and tags.
            package = re.split(r"-(?:py|cp)\d", Path(found[1]).name)[0]
            words = package.rsplit("==" if "==" in package else "-", 1)
            say(f"  {self.done}/{self.total} {' '.join(words)}")
        elif line.startswith("Installing collected"):
            say("  unpacking")


def run(command: list[str], watch: Callable[[str], None] | None = None) -> tuple[int, list[str]]:
    """Run a program, show each line of it to ``watch``, and keep the last ones."""
    import subprocess
    from collections import deque

    last: deque[str] = deque(maxlen=LINES_OF_A_FAILURE)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            last.append(line.rstrip())
            if watch is not None:
                watch(line)
    return child.returncode, list(last)


def failure(what: str, code: int, lines: list[str]) -> str:
    """Return the message for a program that failed."""
    return "\n  ".join([f"{what} ended with code {code}:", *lines])


def hand_over(command: list[str]) -> int:
    """Become the command; on Windows, where that is not possible, wait for it."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    if os.name != "nt":
        os.execve(command[0], command, environment)
    return spawn_and_wait(command, environment)


def spawn_and_wait(command: list[str], environment: dict[str, str]) -> int:
    """Run the command as a child that gets every Ctrl-C itself; return its exit code."""
    import signal
    import subprocess

    from llama_runner.platforms.console import console_held

    for name in ("SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    # When the window closes we end with the child, not before it: it would end with us.
    with console_held(lambda: None):
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
