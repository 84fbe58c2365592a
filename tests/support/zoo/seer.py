"""A projector, with which a model that talks takes images."""

from __future__ import annotations

from pathlib import Path

from gguf import GGUFWriter

from tests.support.zoo import talkers
from tests.support.zoo.weights import Noise, Shape, layer, write

_SIDE, _PATCH = 28, 14
_PATCHES = (_SIDE // _PATCH) ** 2
_WIDTH = 32
_INNER = 64
_LAYERS = 2


def write_projector(path: Path) -> Path:
    """Write a projector of LLaVA's kind for the models of ``talkers``."""
    writer = GGUFWriter(None, "clip")
    writer.add_type("mmproj")
    writer.add_name("Tiny Projector")
    writer.add_file_type(0)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type("mlp")
    writer.add_vision_image_size(_SIDE)
    writer.add_vision_patch_size(_PATCH)
    writer.add_vision_embedding_length(_WIDTH)
    writer.add_vision_feed_forward_length(_INNER)
    writer.add_vision_block_count(_LAYERS)
    writer.add_vision_head_count(2)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_projection_dim(talkers.WIDTH)
    writer.add_vision_image_mean([0.5, 0.5, 0.5])
    writer.add_vision_image_std([0.5, 0.5, 0.5])
    writer.add_vision_use_gelu(True)
    return write(path, writer, Noise().tensors(_shapes()))


def _shapes() -> dict[str, Shape]:
    shapes: dict[str, Shape] = {
        "v.class_embd": (_WIDTH,),
        "v.patch_embd.weight": (_WIDTH, 3, _PATCH, _PATCH),
        "v.position_embd.weight": (_PATCHES + 1, _WIDTH),
        **layer("v.pre_ln", _WIDTH),
        **layer("mm.0", talkers.WIDTH, _WIDTH),
        **layer("mm.2", talkers.WIDTH, talkers.WIDTH),
    }
    for number in range(_LAYERS):
        for name in ("ln1", "ln2"):
            shapes |= layer(f"v.blk.{number}.{name}", _WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            shapes |= layer(f"v.blk.{number}.{name}", _WIDTH, _WIDTH)
        shapes |= layer(f"v.blk.{number}.ffn_down", _INNER, _WIDTH)
        shapes |= layer(f"v.blk.{number}.ffn_up", _WIDTH, _INNER)
    return shapes
