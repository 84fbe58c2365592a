"""Models that read a text at once: one makes a vector of it, one a score."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase, digits

from gguf import GGUFWriter, PoolingType, TokenType

from tests.support.zoo.weights import Noise, Shape, layer, write

WIDTH = 32
CONTEXT = 128
_INNER = 64
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = ascii_lowercase + digits
# With the mark, a letter that begins a word; without, one that goes on with it.
_TOKENS = (*_SPECIAL, *(f"\u2581{letter}" for letter in _LETTERS), *_LETTERS)


def write_embedder(path: Path) -> Path:
    """Write a model that makes vectors."""
    writer = _bert("Tiny Embedder", PoolingType.MEAN)
    return write(path, writer, Noise().tensors(_SHAPES))


def write_reranker(path: Path) -> Path:
    """Write a model that says how well a text answers a query."""
    writer = _bert("Tiny Reranker", PoolingType.RANK)
    head = {**layer("cls", WIDTH, WIDTH), **layer("cls.output", 1, WIDTH)}
    return write(path, writer, Noise().tensors({**_SHAPES, **head}))


_SHAPES: dict[str, Shape] = {
    "token_embd.weight": (len(_TOKENS), WIDTH),
    "token_types.weight": (2, WIDTH),
    "position_embd.weight": (CONTEXT, WIDTH),
    **layer("token_embd_norm", WIDTH),
    **layer("blk.0.attn_q", WIDTH, WIDTH),
    **layer("blk.0.attn_k", WIDTH, WIDTH),
    **layer("blk.0.attn_v", WIDTH, WIDTH),
    **layer("blk.0.attn_output", WIDTH, WIDTH),
    **layer("blk.0.attn_output_norm", WIDTH),
    **layer("blk.0.ffn_up", _INNER, WIDTH),
    **layer("blk.0.ffn_down", WIDTH, _INNER),
    **layer("blk.0.layer_output_norm", WIDTH),
}


def _bert(name: str, pooling: PoolingType) -> GGUFWriter:
    writer = GGUFWriter(None, "bert")
    writer.add_name(name)
    writer.add_file_type(0)
    writer.add_block_count(1)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(pooling)
    _add_words(writer)
    return writer


def _add_words(writer: GGUFWriter) -> None:
    kinds = [TokenType.CONTROL if token in _SPECIAL else TokenType.NORMAL for token in _TOKENS]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(_TOKENS)
    writer.add_token_types(kinds)
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_eos_token_id(3)
    writer.add_mask_token_id(4)
