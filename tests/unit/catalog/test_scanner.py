import os
from pathlib import Path

import pytest
import trio

from llama_runner.catalog import scanner
from llama_runner.catalog.cache import MetadataCache
from llama_runner.catalog.gguf import Header
from llama_runner.catalog.header_file import read_header_file
from llama_runner.catalog.scanner import ScanResult, scan
from tests.support.gguf_writer import Tensor, encode_gguf, model_metadata, write_gguf


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose headers were read."""
    names: list[str] = []

    def note(path: Path, size: int) -> Header:
        names.append(path.name)
        return read_header_file(path, size)

    monkeypatch.setattr(scanner, "read_header_file", note)
    return names


def _names(result: ScanResult) -> list[str]:
    return [card.path.name for card in result.cards]


def _reasons(result: ScanResult) -> dict[str, str]:
    return {passed.path.name: passed.reason for passed in result.passed_over}


async def test_a_folder_as_users_have_it_becomes_cards_and_reasons(tmp_path):
    projector = {"general.architecture": "clip", "clip.has_vision_encoder": True}
    write_gguf(tmp_path / "JanusCoderV-7B-i1-GGUF" / "JanusCoderV-7B.i1-Q4_K_S.gguf")
    write_gguf(tmp_path / "flat.gguf")
    write_gguf(tmp_path / "publisher" / "repo" / "model-Q8_0.gguf")
    write_gguf(tmp_path / "gemma" / "gemma-Q4_0.gguf")
    write_gguf(tmp_path / "gemma" / "mmproj-gemma-f16.gguf", projector)
    for number in (1, 2):
        write_gguf(tmp_path / "big" / f"big-0000{number}-of-00002.gguf")
    write_gguf(tmp_path / "half" / "half-00002-of-00002.gguf")
    write_gguf(tmp_path / "lora.gguf", model_metadata(adapter__type="lora"))
    write_gguf(tmp_path / "vocab.gguf", tensors=())
    write_gguf(tmp_path / "future.gguf", version=7)
    (tmp_path / "empty.gguf").write_bytes(b"")
    (tmp_path / "page.gguf").write_bytes(b"<!DOCTYPE html>")
    (tmp_path / "cut.gguf").write_bytes(encode_gguf(model_metadata(), [Tensor("a", (999,))])[:-99])
    (tmp_path / "loading.gguf.part").write_bytes(b"")
    result = await scan([tmp_path])
    assert _names(result) == [
        "JanusCoderV-7B.i1-Q4_K_S.gguf",
        "big-00001-of-00002.gguf",
        "flat.gguf",
        "gemma-Q4_0.gguf",
        "model-Q8_0.gguf",
    ]
    assert result.cards[3].mmproj == tmp_path / "gemma" / "mmproj-gemma-f16.gguf"
    assert len(result.cards[1].shards) == 2
    reasons = _reasons(result)
    assert reasons.pop("cut.gguf").startswith("the file is incomplete")
    assert reasons == {
        "empty.gguf": "it is empty",
        "future.gguf": "version 7 of the format is unknown",
        "half-00002-of-00002.gguf": "of the model's 2 parts these are missing: 1",
        "lora.gguf": "it is a LoRA adapter, not a model",
        "page.gguf": "this is no GGUF file: it begins with b'<!DO'",
        "vocab.gguf": "it holds a vocabulary but no weights",
    }


async def test_a_second_scan_opens_only_what_has_changed(tmp_path, opened):
    models = tmp_path / "models"
    for name in ("a", "b", "bad"):
        write_gguf(models / f"{name}.gguf")
    (models / "bad.gguf").write_bytes(b"not a model")
    cache = tmp_path / "state" / "cache.json"
    first = await scan([models], MetadataCache(cache))
    assert sorted(opened) == ["a.gguf", "b.gguf", "bad.gguf"]
    opened.clear()
    assert await scan([models], MetadataCache(cache)) == first
    assert opened == []
    write_gguf(models / "b.gguf", model_metadata(general__name="new"))
    os.utime(models / "b.gguf", ns=(7, 7))
    (models / "a.gguf").unlink()
    result = await scan([models], MetadataCache(cache))
    assert opened == ["b.gguf"]
    assert [card.name for card in result.cards] == ["new"]


async def test_a_file_that_cannot_be_opened_is_passed_over_and_tried_again(
    tmp_path, monkeypatch, opened
):
    def refuse(path: Path, size: int) -> Header:
        raise PermissionError(13, "Permission denied")

    write_gguf(tmp_path / "models" / "a.gguf")
    cache = tmp_path / "cache.json"
    with monkeypatch.context() as patch:
        patch.setattr(scanner, "read_header_file", refuse)
        result = await scan([tmp_path / "models"], MetadataCache(cache))
    assert _reasons(result) == {"a.gguf": "it cannot be read: Permission denied"}
    assert _names(await scan([tmp_path / "models"], MetadataCache(cache))) == ["a.gguf"]
    assert opened == ["a.gguf"]


async def test_a_single_file_brings_its_shards_and_projector_and_nothing_else(tmp_path):
    for number in (1, 2):
        write_gguf(tmp_path / f"m-0000{number}-of-00002.gguf")
    write_gguf(tmp_path / "mmproj-m.gguf", {"general.architecture": "clip"})
    write_gguf(tmp_path / "other.gguf")
    (tmp_path / "bad.gguf").write_bytes(b"")
    first = tmp_path / "m-00001-of-00002.gguf"
    result = await scan([], files=[first])
    (card,) = result.cards
    assert len(card.shards) == 2
    assert card.mmproj == tmp_path / "mmproj-m.gguf"
    assert not result.passed_over


async def test_single_files_that_are_no_models_are_passed_over(tmp_path):
    for number in (1, 2):
        write_gguf(tmp_path / f"m-0000{number}-of-00002.gguf")
    files = [tmp_path / name for name in ("gone.gguf", "m-00002-of-00002.gguf")]
    result = await scan([], files=files)
    assert not result.cards
    assert _reasons(result) == {
        "gone.gguf": "it does not exist, or is a link to what does not",
        "m-00002-of-00002.gguf": "it is not the first part of its model",
    }


async def test_a_single_file_that_the_folders_hold_is_read_once(tmp_path, opened):
    path = write_gguf(tmp_path / "a.gguf")
    result = await scan([tmp_path], files=[path, path])
    assert _names(result) == ["a.gguf"]
    assert opened == ["a.gguf"]


async def test_a_cancelled_scan_ends_between_files_and_keeps_what_it_read(tmp_path, monkeypatch):
    for number in range(5):
        write_gguf(tmp_path / "models" / f"{number}.gguf")
    read: list[str] = []

    def cancel_at_second(path: Path, size: int) -> Header:
        read.append(path.name)
        if len(read) == 2:
            trio.from_thread.run_sync(scope.cancel)
        return read_header_file(path, size)

    monkeypatch.setattr(scanner, "read_header_file", cancel_at_second)
    cache = MetadataCache(tmp_path / "cache.json")
    with trio.CancelScope() as scope:
        await scan([tmp_path / "models"], cache)
    assert scope.cancelled_caught
    assert read == ["0.gguf", "1.gguf"]
    await scan([tmp_path / "models"], cache)
    assert read[2:] == ["2.gguf", "3.gguf", "4.gguf"]
