import os
from pathlib import Path

import pytest

from llama_runner.catalog.folder_walk import FolderWalk


def _touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def _walk(*folders: Path) -> FolderWalk:
    walk = FolderWalk(lambda: None)
    walk.walk(folders)
    return walk


def _link(link: Path, target: Path) -> None:
    try:
        link.symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this user may not make links")


def test_files_are_found_at_any_depth_with_the_folders_that_lead_to_them(tmp_path):
    for name in ("flat.gguf", "repo/a.GGUF", "publisher/repo/b.gguf"):
        _touch(tmp_path / name)
    walk = _walk(tmp_path)
    assert [(file.path.name, file.folders, file.size) for file in walk.files] == [
        ("flat.gguf", (), 1),
        ("b.gguf", ("publisher", "repo"), 1),
        ("a.GGUF", ("repo",), 1),
    ]
    assert not walk.passed_over


def test_other_and_hidden_files_are_ignored(tmp_path):
    for name in ("a.gguf.part", "b.safetensors", "._c.gguf", ".cache/d.gguf", "gguf", "e.gguf.tmp"):
        _touch(tmp_path / name)
    assert not _walk(tmp_path).files
    assert not _walk(tmp_path).passed_over


def test_a_folder_that_is_not_there_is_passed_over(tmp_path):
    walk = _walk(tmp_path / "none")
    assert [passed.path for passed in walk.passed_over] == [tmp_path / "none"]


def test_folders_within_each_other_give_each_file_once(tmp_path):
    _touch(tmp_path / "repo" / "a.gguf")
    walk = _walk(tmp_path, tmp_path / "repo", tmp_path)
    assert [file.folders for file in walk.files] == [("repo",)]


def test_a_loop_of_links_ends(tmp_path):
    _touch(tmp_path / "repo" / "a.gguf")
    _link(tmp_path / "repo" / "up", tmp_path)
    _link(tmp_path / "again", tmp_path / "repo")
    assert len(_walk(tmp_path).files) == 1


def test_a_linked_file_is_found_and_known_by_where_it_lies(tmp_path):
    real = _touch(tmp_path / "z" / "real.gguf")
    away = _touch(tmp_path / "elsewhere" / "away.gguf")
    (tmp_path / "models").mkdir()
    (tmp_path / "z").rename(tmp_path / "models" / "z")
    _link(tmp_path / "models" / "a-link.gguf", tmp_path / "models" / "z" / real.name)
    _link(tmp_path / "models" / "away.gguf", away)
    found = [
        file.path.relative_to(tmp_path / "models") for file in _walk(tmp_path / "models").files
    ]
    assert found == [Path("z/real.gguf"), Path("away.gguf")]


def test_a_link_to_nothing_is_passed_over(tmp_path):
    _link(tmp_path / "dead.gguf", tmp_path / "gone.gguf")
    (passed,) = _walk(tmp_path).passed_over
    assert passed.path.name == "dead.gguf"
    assert "does not exist" in passed.reason


def test_a_pipe_is_passed_over_and_never_opened(tmp_path):
    mkfifo = getattr(os, "mkfifo", None)
    if mkfifo is None:
        pytest.skip("this system has no named pipes")
    mkfifo(tmp_path / "pipe.gguf")
    (passed,) = _walk(tmp_path).passed_over
    assert passed.reason == "it is not a regular file"


def test_a_folder_that_cannot_be_listed_is_passed_over(tmp_path, monkeypatch):
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    (passed,) = _walk(tmp_path).passed_over
    assert passed.reason == "it cannot be read: Permission denied"


def test_one_file_is_found_with_its_neighbours_whatever_its_name(tmp_path):
    blob = _touch(tmp_path / "sha256-abc")
    _touch(tmp_path / "mmproj.gguf")
    _touch(tmp_path / "deeper" / "other.gguf")
    walk = FolderWalk(lambda: None)
    assert walk.walk_beside(blob) == blob
    assert [file.path.name for file in walk.files] == ["sha256-abc", "mmproj.gguf"]


def test_the_walk_ends_when_told_to(tmp_path):
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FolderWalk(stop).walk([tmp_path])
