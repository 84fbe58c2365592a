import pytest

from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile
from llama_runner.catalog.shards import join_shards
from tests.support.gguf_reading import facts, found


def _reasons(findings):
    return {passed.path.name: passed.reason for passed in join_shards(findings)[1]}


def test_shards_become_one_model_in_order():
    parts = [found(f"Grok-0000{number}-of-00003.gguf", "grok") for number in (2, 3, 1)]
    (model,), passed_over = join_shards({part: facts() for part in parts})
    assert [file.path.name[5:10] for file in model.files] == ["00001", "00002", "00003"]
    assert model.stem == "Grok"
    assert model.path == parts[2].path
    assert model.weights == 3 * 32
    assert not passed_over


def test_shards_of_two_models_or_two_folders_are_not_mixed():
    names = ("a-00001-of-00001.gguf", "b-00001-of-00001.gguf", "c.gguf")
    files = [found(name, folder) for name in names for folder in ("x", "y")]
    assert len(join_shards({file: facts() for file in files})[0]) == 6


@pytest.mark.parametrize(
    ("numbers", "total", "says"),
    [((1, 3), 3, "missing: 2"), ((2,), 9, "9 parts these are missing: 1, 3, 4, 5, 6, …")],
)
def test_a_model_that_lacks_shards_is_passed_over_once(numbers, total, says):
    parts = [found(f"m-0000{number}-of-0000{total}.gguf") for number in numbers]
    models, passed_over = join_shards({part: facts() for part in parts})
    assert not models
    assert [passed.path for passed in passed_over] == [parts[0].path]
    assert says in passed_over[0].reason


def test_a_bad_shard_spoils_its_model_and_says_so():
    findings: dict[FoundFile, FileFacts | str] = {
        found("m-00001-of-00002.gguf"): facts(),
        found("m-00002-of-00002.gguf"): "it is empty",
    }
    assert not join_shards(findings)[0]
    assert _reasons(findings) == {
        "m-00001-of-00002.gguf": "another part of this model cannot be used",
        "m-00002-of-00002.gguf": "it is empty",
    }


def test_files_that_differ_in_case_alone_stay_apart():
    findings = {found("M.gguf"): facts(), found("m.gguf"): facts()}
    assert len(join_shards(findings)[0]) == 2
