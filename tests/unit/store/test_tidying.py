"""What a kill leaves in the store's folder, and what is made of it at the next start."""

from __future__ import annotations

import os
import time
from pathlib import Path

from llama_runner.store.shelf import Shelf

DAY = 86_400


def test_leftovers_go_and_what_can_be_gone_on_with_stays(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    for name in (".tiny@v1.part", ".tiny@v1.gone", "tiny@v1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.gguf").write_bytes(b"x")
    shelf.blobs.mkdir()
    ages = {"a.part": 29, "a.part.record": 29, "b.part": 31, "c.1-2.upload": 0, "sha256-d": 99}
    for name, days in ages.items():
        path = shelf.blobs / name
        path.write_bytes(b"x")
        then = time.time() - days * DAY
        os.utime(path, (then, then))
    shelf.tidy()
    assert {path.name for path in tmp_path.iterdir()} == {"tiny@v1", ".blobs"}
    assert {path.name for path in shelf.blobs.iterdir()} == {"a.part", "a.part.record", "sha256-d"}


def test_a_store_that_is_not_there_is_tidy(tmp_path: Path) -> None:
    Shelf(tmp_path / "nowhere").tidy()
    assert not (tmp_path / "nowhere").exists()
