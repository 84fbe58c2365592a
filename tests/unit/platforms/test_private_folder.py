from __future__ import annotations

import stat
import sys
from pathlib import Path

from llama_runner.platforms.private_file import make_private
from llama_runner.platforms.private_folder import make_private_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_with_all_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private_folder(folder)
    make_private_folder(folder)
    assert folder.is_dir()


def test_nobody_else_can_look_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir(mode=0o755)
    file = folder / "f"
    file.touch(0o644)
    make_private_folder(folder)
    make_private(file)
    expected = (0o777, 0o666) if sys.platform == "win32" else (0o700, 0o600)
    assert (mode(folder), mode(file)) == expected
