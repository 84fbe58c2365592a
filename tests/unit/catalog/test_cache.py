import logging
import os
from pathlib import Path

import orjson
import pytest
from attrs import evolve

from llama_runner.catalog.cache import MetadataCache
from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile
from tests.support.gguf_reading import facts

_FILE = FoundFile(Path(__file__).resolve(), (), 100, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "metadata.json"


def _loaded(path: Path) -> MetadataCache:
    cache = MetadataCache(path)
    cache.load()
    return cache


def _stored(path: Path, finding: FileFacts | str) -> None:
    cache = _loaded(path)
    cache.remember(_FILE, finding)
    cache.save()


@pytest.mark.parametrize("finding", [facts(llama__attention__head_count_kv=[2, 1]), "it is empty"])
def test_what_was_found_is_remembered_for_the_next_start(path, finding):
    _stored(path, finding)
    assert _loaded(path).find(_FILE) == finding


def test_a_file_that_changed_is_not_known(path):
    _stored(path, facts())
    cache = _loaded(path)
    assert cache.find(evolve(_FILE, size=101)) is None
    assert cache.find(evolve(_FILE, modified_ns=2)) is None
    assert cache.find(evolve(_FILE, path=_FILE.path.with_name("x"))) is None


def test_an_unchanged_cache_is_not_written(path):
    _stored(path, facts())
    path.chmod(0o400)
    before = path.stat()
    _loaded(path).save()
    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format": 4}', b'{"format": 4, "files": 7}', b"\xff", b"null"]
)
def test_a_corrupt_cache_is_ignored_with_a_warning(path, content, caplog):
    path.parent.mkdir()
    path.write_bytes(content)
    cache = _loaded(path)
    assert cache.find(_FILE) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    cache.remember(_FILE, "why")
    cache.save()
    assert _loaded(path).find(_FILE) == "why"


@pytest.mark.parametrize(
    "entry", [None, [], [100, 1], [100, 1, {}], [100, 1, {"name": 1}], [100, 1, 7], "abc"]
)
def test_a_corrupt_entry_is_as_good_as_none(path, entry):
    path.parent.mkdir()
    path.write_bytes(orjson.dumps({"format": 4, "files": {str(_FILE.path): entry}}))
    assert _loaded(path).find(_FILE) is None


def test_a_cache_of_another_format_is_empty_without_a_word(path, caplog):
    path.parent.mkdir()
    path.write_bytes(orjson.dumps({"format": 0, "files": {}}))
    assert _loaded(path).find(_FILE) is None
    assert not caplog.records


def test_files_that_are_gone_are_forgotten(path, tmp_path):
    gone = evolve(_FILE, path=tmp_path / "gone.gguf")
    cache = _loaded(path)
    cache.remember(_FILE, "kept")
    cache.remember(gone, "lost")
    cache.forget_missing()
    cache.save()
    assert _loaded(path).find(_FILE) == "kept"
    assert _loaded(path).find(gone) is None


def test_a_cache_that_cannot_be_written_is_lost_with_a_warning(tmp_path, caplog):
    (tmp_path / "file").write_bytes(b"")
    _stored(tmp_path / "file" / "metadata.json", "why")
    assert "cannot be kept" in caplog.text


def test_a_failed_write_leaves_the_old_cache_and_no_litter(path, monkeypatch, caplog):
    _stored(path, "old")

    def refuse(source: object, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    _stored(path, "new")
    monkeypatch.undo()
    assert "Permission denied" in caplog.text
    assert _loaded(path).find(_FILE) == "old"
    assert os.listdir(path.parent) == [path.name]


def test_a_file_name_that_is_no_text_is_remembered_too(path):
    strange = evolve(_FILE, path=Path("/models/caf\udce9.gguf"))
    cache = _loaded(path)
    cache.remember(strange, "why")
    cache.save()
    assert _loaded(path).find(strange) == "why"
