import os
from pathlib import Path

import pytest

from llama_runner.catalog.found_file import ShardName, absolute, shard_name, without_suffix


@pytest.mark.parametrize(
    ("stem", "parts"),
    [
        ("grok-Q4_0-00003-of-00009", ShardName("grok-Q4_0", 3, 9)),
        ("grok-Q4_0", None),
        ("grok-3-of-9", None),
        ("-00001-of-00002", None),
    ],
)
def test_a_shards_name_has_three_parts(stem, parts):
    assert shard_name(stem) == parts


def test_the_suffix_is_cut_in_any_case():
    assert without_suffix("A.GGUF") == "A"
    assert without_suffix("A.gguf.part") == "A.gguf.part"


def test_a_path_has_one_spelling():
    assert absolute(Path("a/../b.gguf")) == Path(os.getcwd(), "b.gguf")
