"""Writes an embedding model of some kilobytes whose weights are noise.

Any engine loads it at once; its vectors mean nothing, but the same text always
has the same one.
"""

from __future__ import annotations

import random
import struct
from math import prod
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

from tests.support.gguf_writer import Tensor, Typed, write_gguf

WIDTH = 32
CONTEXT = 128
_INNER = 64
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = ascii_lowercase + digits
# With the mark, a letter that begins a word; without, one that goes on with it.
_TOKENS = [*_SPECIAL, *(f"\u2581{letter}" for letter in _LETTERS), *_LETTERS]
_CONTROL, _NORMAL = 3, 1
_FLOAT, _SIGNED = 6, 5


def write_tiny_embedder(path: Path) -> Path:
    """Write the model, with the folders it needs."""
    return write_gguf(path, _metadata(), _tensors(random.Random(1)))


def _metadata() -> dict[str, Any]:
    kinds = [_CONTROL if token in _SPECIAL else _NORMAL for token in _TOKENS]
    return {
        "general.architecture": "bert",
        "general.name": "Tiny Embedder",
        "general.file_type": 0,
        "bert.block_count": 1,
        "bert.context_length": CONTEXT,
        "bert.embedding_length": WIDTH,
        "bert.feed_forward_length": _INNER,
        "bert.attention.head_count": 2,
        "bert.attention.layer_norm_epsilon": Typed(_FLOAT, 1e-12),
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": _TOKENS,
        "tokenizer.ggml.token_type": [Typed(_SIGNED, kind) for kind in kinds],
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.padding_token_id": 0,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.cls_token_id": 2,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.seperator_token_id": 3,  # the format's own spelling
        "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.mask_token_id": 4,
    }


def _tensors(noise: random.Random) -> list[Tensor]:
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (WIDTH, len(_TOKENS)),
        "token_types.weight": (WIDTH, 2),
        "position_embd.weight": (WIDTH, CONTEXT),
        **_layer("token_embd_norm", WIDTH),
        **_layer("blk.0.attn_q", WIDTH, WIDTH),
        **_layer("blk.0.attn_k", WIDTH, WIDTH),
        **_layer("blk.0.attn_v", WIDTH, WIDTH),
        **_layer("blk.0.attn_output", WIDTH, WIDTH),
        **_layer("blk.0.attn_output_norm", WIDTH),
        **_layer("blk.0.ffn_up", WIDTH, _INNER),
        **_layer("blk.0.ffn_down", _INNER, WIDTH),
        **_layer("blk.0.layer_output_norm", WIDTH),
    }
    return [_tensor(noise, name, shape) for name, shape in shapes.items()]


def _layer(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[-1:]}


def _tensor(noise: random.Random, name: str, shape: tuple[int, ...]) -> Tensor:
    count = prod(shape)
    numbers = [noise.gauss(0.0, 0.5) for _ in range(count)]
    return Tensor(name, shape, content=struct.pack(f"<{count}f", *numbers))
