"""``main.py test``: formatting, lint, types and layers, and beside them every test.

The word ``check`` leaves the tests out. Any other arguments go to pytest,
which then runs alone: ``main.py test -k eviction``. ``--engine PATH`` has the
tests that need an engine run with that one too. ``--windows`` runs what
tests/windows says, in a Windows Python: on Linux, under Wine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
# import-linter has no __main__.
LAYERS = "from importlinter.cli import lint_imports_command as check; check()"
CHECKS: dict[str, tuple[str, ...]] = {
    "formatting (black)": ("-m", "black", "--check", "--quiet", "."),
    "lint (flake8)": ("-m", "flake8"),
    "types for Linux (mypy)": ("-m", "mypy", "--platform", "linux"),
    "types for Windows (mypy)": ("-m", "mypy", "--platform", "win32"),
    "layers (import-linter)": ("-c", LAYERS),
}
TESTS = "tests (pytest)"
PYTEST = ("-m", "pytest")
WINDOWS_TESTS = "tests on Windows (pytest)"
WINDOWS = ("-m", "tests.windows")
ENGINE_VARIABLE = "LLAMA_RUNNER_TEST_ENGINE"


def main(arguments: list[str]) -> int:
    """Run the steps, all of them even if one fails, and say how each went."""
    if arguments[:1] == ["--engine"] and len(arguments) > 1:
        os.environ[ENGINE_VARIABLE] = str(Path(arguments[1]).expanduser().absolute())
        arguments = arguments[2:]
    os.chdir(ROOT)
    steps = steps_for(arguments)
    beside = CHECKS if len(steps) > len(CHECKS) else {}
    with ThreadPoolExecutor(1) as worker:
        # The tests wait for engines most of the time, on one processor.
        checked = [(name, worker.submit(quietly, step)) for name, step in beside.items()]
        results = [(n, *timed(n, step)) for n, step in steps.items() if n not in beside]
        results += [(name, *told(name, check.result())) for name, check in checked]
    print()
    for name, code, seconds in results:
        print(f"{'ok    ' if code == 0 else 'FAILED'} {seconds:6.1f} s  {name}")
    return int(any(code for _, code, _ in results))


def steps_for(arguments: list[str]) -> dict[str, tuple[str, ...]]:
    """Return what to run, by name."""
    if arguments == ["check"]:
        return CHECKS
    if arguments[:1] == ["--windows"]:
        return {WINDOWS_TESTS: (*WINDOWS, *arguments[1:])}
    if arguments:
        return {TESTS: (*PYTEST, *arguments)}
    return CHECKS | {TESTS: PYTEST}


def timed(name: str, step: tuple[str, ...]) -> tuple[int, float]:
    """Run this interpreter with these arguments; return its exit code and how long it took."""
    print(f"\n== {name}", flush=True)
    start = monotonic()
    code = subprocess.run([sys.executable, *step], check=False).returncode
    return code, monotonic() - start


def quietly(step: tuple[str, ...]) -> tuple[int, float, str]:
    """Do as ``timed``, and return what was said as well."""
    start = monotonic()
    command = [sys.executable, *step]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, monotonic() - start, done.stdout


def told(name: str, check: tuple[int, float, str]) -> tuple[int, float]:
    """Say what a check said; return its exit code and how long it took."""
    code, seconds, said = check
    print(f"\n== {name}\n{said}", flush=True)
    return code, seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
