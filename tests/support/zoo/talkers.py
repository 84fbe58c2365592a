"""Models that talk, in lower-case letters and spaces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFWriter

from tests.support.zoo.bytes_vocabulary import SPOKEN, TOKENS, add_words
from tests.support.zoo.weights import Noise, Shape, Weights, ones, write

TEMPLATES = Path(__file__).parents[1] / "templates"
WIDTH = 64
CONTEXT = 2048
_HEADS, _HEADS_KV = 4, 2
_INNER = 128
_LAYERS = 2
_TENSORS_IN_A_SHARD = 10


def write_chat(path: Path) -> Path:
    """Write a model that chats and has no other gift."""
    return write(path, _llama("Tiny Chat", "chat.jinja"), _tensors())


def write_thinker(path: Path) -> Path:
    """Write a model whose template has it think, and use tools."""
    return write(path, _llama("Tiny Thinker", "tools_and_thinking.jinja"), _tensors())


def write_shards(path: Path) -> Path:
    """Write a model in several files beside ``path``; return the first one's path."""
    writer = _llama("Tiny Shards", "chat.jinja", split=_TENSORS_IN_A_SHARD)
    write(path, writer, _tensors())
    (first,) = path.parent.glob(f"{path.stem}-00001-of-*.gguf")
    return first


def _llama(name: str, template: str, split: int = 0) -> GGUFWriter:
    writer = GGUFWriter(None, "llama", split_max_tensors=split)
    writer.add_name(name)
    writer.add_file_type(0)
    writer.add_vocab_size(len(TOKENS))
    writer.add_block_count(_LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS_KV)
    writer.add_rope_dimension_count(WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    add_words(writer, (TEMPLATES / template).read_text("utf-8"))
    return writer


def _tensors() -> dict[str, Weights]:
    noise = Noise()
    blocks: dict[str, Weights] = {}
    for number in range(_LAYERS):
        block = f"blk.{number}"
        blocks |= noise.tensors({f"{block}.{name}.weight": s for name, s in _BLOCK.items()})
        blocks |= ones(f"{block}.attn_norm", f"{block}.ffn_norm", width=WIDTH)
    # What is not to be said scores 0, which is never the most.
    said = np.zeros((len(TOKENS), WIDTH), dtype=np.float32)
    said[list(SPOKEN)] = noise.tensor(len(SPOKEN), WIDTH, spread=2.0)
    return {
        "token_embd.weight": noise.tensor(len(TOKENS), WIDTH),
        **blocks,
        **ones("output_norm", width=WIDTH),
        "output.weight": said,
    }


_KEYS = WIDTH // _HEADS * _HEADS_KV
_BLOCK: dict[str, Shape] = {
    "attn_q": (WIDTH, WIDTH),
    "attn_k": (_KEYS, WIDTH),
    "attn_v": (_KEYS, WIDTH),
    "attn_output": (WIDTH, WIDTH),
    "ffn_gate": (_INNER, WIDTH),
    "ffn_up": (_INNER, WIDTH),
    "ffn_down": (WIDTH, _INNER),
}
