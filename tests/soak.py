"""``main.py soak``: the long tests at their full counts, with dated figures under docs/figures.

Arguments go to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONG = (
    "tests/end_to_end/test_cancel.py",
    "tests/end_to_end/test_footprint.py",
    "tests/end_to_end/test_kill.py",
    "tests/end_to_end/program/test_evictions.py",
    "tests/end_to_end/program/test_faults.py",
    "tests/end_to_end/program/test_stop.py",
    "tests/end_to_end/program/test_thrash.py",
    "tests/integration/test_broken_engine.py",
    "tests/integration/test_downloads.py",
    "tests/integration/test_forced_evictions.py",
    "tests/integration/test_fuzz.py",
    "tests/integration/test_lifeline.py",
    "tests/integration/test_simulated_manager.py",
    "tests/integration/test_thrash.py",
)


def main(arguments: list[str]) -> int:
    """Run the long tests; their figures are printed as they come."""
    os.chdir(ROOT)
    command = (sys.executable, "-m", "pytest", "--soak", "-s", *LONG, *arguments)
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
