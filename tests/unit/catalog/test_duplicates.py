"""Models that lie in two places are one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llama_runner.catalog.duplicates import without_duplicates
from tests.support.model_cards import model_card


def test_a_link_is_the_model_that_it_leads_to(tmp_path: Path) -> None:
    model, link = tmp_path / "model.gguf", tmp_path / "link.gguf"
    model.write_bytes(b"GGUF")
    os.link(model, link)
    first, other = model_card(path=model), model_card(path=link)
    assert without_duplicates([first], [other]) == (first,)


def test_a_path_that_the_system_does_not_follow_is_taken_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(path: Path) -> str:
        raise OSError(234, "More data available")

    cards = [model_card(path=tmp_path / name) for name in ("a.gguf", "b.gguf")]
    monkeypatch.setattr(os.path, "realpath", fail)
    assert without_duplicates(cards[:1], [*cards, cards[1]]) == tuple(cards)
