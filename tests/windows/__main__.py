"""``main.py test --windows``: the tests of the Windows half, in a Windows Python.

On Windows that is this very Python; on Linux it is one under Wine, made ready
first. Arguments go to pytest in place of the tests that it runs otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from llama_runner.embedded_model import SMOLLM2
from tests.support.zoo.bert import write_embedder
from tests.windows.embedder import EMBEDDER

# Beside the Windows tests: what is not the same code or not the same system there.
PORTABLE = (
    *("tests/unit/config", "tests/unit/http", "tests/unit/platforms", "tests/unit/runner"),
    *("tests/unit/test_cli.py", "tests/unit/test_config_loader.py"),
    *("tests/integration/test_child_contract.py", "tests/integration/test_strays.py"),
    *("tests/end_to_end/test_engine_launch.py", "tests/end_to_end/test_engine_runner.py"),
)
# One of its packages needs a library that Wine 8 lacks, and it has no Windows half.
LEFT_OUT = ("--ignore=tests/unit/config/test_json_schema.py",)
# Captured output would be a file, and a Windows Python that has one ends at once under Wine.
PYTEST = ("-m", "pytest", "--capture=sys", "-p", "no:cacheprovider")

ENGINE_AND_MODEL = {
    "LLAMA_RUNNER_TEST_ENGINE": r"F:\llm\llama\llama-server.exe",
    "LLAMA_RUNNER_TEST_MODEL": rf"F:\llm\llama\models\{SMOLLM2.folder}\{SMOLLM2.file_name}",
}


def main(arguments: list[str]) -> int:
    """Run pytest and return its exit code."""
    words = (*PYTEST, *(arguments or (*LEFT_OUT, *PORTABLE, "tests/windows")))
    with TemporaryDirectory() as folder:
        # Written here, for Wine 8 lacks what the package needs that writes it.
        embedder = write_embedder(Path(folder) / "tiny-embedder.gguf")
        if sys.platform == "win32":
            more = {**os.environ, EMBEDDER: str(embedder)}
            return subprocess.run([sys.executable, *words], check=False, env=more).returncode
        else:
            from tests.windows.setup import ready_windows

            more = {**ENGINE_AND_MODEL, EMBEDDER: f"Z:{embedder}".replace("/", "\\")}
            with ready_windows() as windows:
                return windows.run(r"F:\Python311\python.exe", *words, more=more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
