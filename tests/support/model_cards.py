"""Model cards for tests, with every field that does not matter filled in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve

from llama_runner.catalog.card import ModelCard, ModelKind

_PLAIN = ModelCard(
    path=Path("models/plain/plain.Q4_K_M.gguf"),
    shards=(Path("models/plain/plain.Q4_K_M.gguf"),),
    folders=("plain",),
    size=1_000_000,
    modified_ns=1_700_000_000_123_456_789,
    mmproj=None,
    projector=None,
    architecture="llama",
    name="Plain",
    parameters=1_000_000,
    quantization="Q4_K_M",
    context_length=8192,
    embedding_length=64,
    block_count=2,
    head_count=2,
    head_count_kv=2,
    key_length=None,
    value_length=None,
    sliding_window=None,
    windowed_layers=0,
    feed_forward_length=128,
    state_length=0,
    vocabulary_size=256,
    chat_template="{{ messages }}",
    pooling=None,
    kind=ModelKind.CHAT,
    capabilities=frozenset({"completion", "chat"}),
)


def model_card(**changes: Any) -> ModelCard:
    """Return a small chat model's card with these fields changed."""
    return evolve(_PLAIN, **changes)
