"""What the layers of a model keep of a sequence, beside attention to all of it.

The keys are those of llama.cpp's GGUF writers; how they are counted is its
``llama_hparams`` (set_swa_pattern, n_embd_r, n_embd_s).
"""

from __future__ import annotations

from collections.abc import Mapping

from llama_runner.catalog.gguf import Value

# Every so many layers one looks at everything, where the header does not say it (llama.cpp's
# model loaders).
_PERIODS: Mapping[str, int] = {
    "cohere2": 4,
    "exaone4": 4,
    "gemma-embedding": 6,
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "gpt-oss": 2,
    "llama4": 4,
    "olmo2": 4,
    "smallthinker": 4,
}


def windowed_layers(metadata: Mapping[str, Value], architecture: str) -> int:
    """Return how many layers look back no further than the sliding window."""
    if not _count(metadata, f"{architecture}.attention.sliding_window"):
        return 0
    layers = _count(metadata, f"{architecture}.block_count")
    pattern = metadata.get(f"{architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return sum(value is True for value in pattern[:layers])
    period = pattern if type(pattern) is int else _PERIODS.get(architecture, 1)
    if period <= 0:
        return layers
    return sum(layer % period < period - 1 for layer in range(layers))


def state_length(metadata: Mapping[str, Value], architecture: str) -> int:
    """Return how many numbers a layer of Mamba's kind keeps of each sequence."""
    inner = _count(metadata, f"{architecture}.ssm.inner_size")
    state = _count(metadata, f"{architecture}.ssm.state_size")
    groups = _count(metadata, f"{architecture}.ssm.group_count")
    kernel = _count(metadata, f"{architecture}.ssm.conv_kernel")
    return max(kernel - 1, 0) * (inner + 2 * groups * state) + state * inner


def _count(metadata: Mapping[str, Value], key: str) -> int:
    value = metadata.get(key)
    return value if type(value) is int and value > 0 else 0
