"""What the tests' own models are."""

from __future__ import annotations

import pytest

from llama_runner.catalog.card import ModelKind
from llama_runner.catalog.scanner import scan_here
from tests.support.zoo.models import ZOO, write_zoo

KINDS = {
    "tiny-chat": ModelKind.CHAT,
    "tiny-thinker": ModelKind.CHAT,
    "tiny-seer": ModelKind.CHAT,
    "tiny-shards": ModelKind.CHAT,
    "tiny-embedder": ModelKind.EMBEDDING,
    "tiny-reranker": ModelKind.RERANK,
}


@pytest.mark.parametrize("name", ZOO)
def test_a_model_is_small_and_the_same_each_time(tmp_path, name):
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert ZOO[name](folder / f"{name}.gguf").is_file()
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert sum(map(len, written[0].values())) < 1_000_000


def test_each_is_found_to_be_what_it_is(tmp_path):
    paths = write_zoo(tmp_path)
    found = scan_here((tmp_path,), None)
    assert not found.passed_over
    cards = {card.path: card for card in found.cards}
    assert {name: cards[path].kind for name, path in paths.items()} == KINDS
    assert [card.path.stem for card in found.cards if card.mmproj] == ["tiny-seer"]
    assert len(cards[paths["tiny-shards"]].shards) > 2
