from __future__ import annotations

from pathlib import Path

from llama_runner.platforms.paths import APPLICATION, state_folder


def test_the_state_folder_is_named_for_the_application_and_absolute():
    folder = state_folder()
    assert APPLICATION in folder.parts
    assert folder.is_absolute()


def test_a_state_folder_can_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert state_folder(Path("mine")) == tmp_path / "mine"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert state_folder(Path("~/state")) == tmp_path / "state"
