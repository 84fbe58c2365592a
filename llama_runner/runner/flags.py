"""llama-server's flags, as far as we decide about them: names, forms and owners."""

from __future__ import annotations

from collections.abc import Mapping

Scalar = str | int | float | bool

# Flags that take on or off where others are switched by being there.
ON_OFF = frozenset({"fit", "flash-attn", "reasoning"})
# Flags that have a --no- form; any other that is false is left out.
NEGATABLE = frozenset(
    {
        "cache-idle-slots",
        "cache-prompt",
        "cont-batching",
        "context-shift",
        "escape",
        "jinja",
        "kv-offload",
        "kv-unified",
        "log-prefix",
        "log-timestamps",
        "mmap",
        "mmproj-offload",
        "op-offload",
        "perf",
        "prefill-assistant",
        "reasoning-preserve",
        "repack",
        "skip-chat-parsing",
        "slots",
        "spec-draft-backend-sampling",
        "warmup",
    }
)
# Other spellings that the engine knows for the names we decide by.
SYNONYMS = {
    "embeddings": "embedding",
    "n-gpu-layers": "gpu-layers",
    "n-predict": "predict",
    "reranking": "rerank",
    "temperature": "temp",
    "typical-p": "typical",
}
# The engine's word for each pooling type that makes one vector of an input, by
# the number in the model's header.
POOLING = {1: "mean", 2: "cls", 3: "last"}

# What we pass by our own decision, beside what belongs to us.
ADJUSTABLE = frozenset(
    {
        "batch-size",
        "cache-idle-slots",
        "cache-ram",
        "context-shift",
        "ctx-size",
        "embedding",
        "fit",
        "jinja",
        "kv-unified",
        "parallel",
        "pooling",
        "rerank",
        "ubatch-size",
    }
)
FIXED = (
    "--no-ui",
    "--offline",
    "--no-agent",
    "--slots",
    # The relay keeps clients connected by itself.
    "--sse-ping-interval",
    "-1",
)
OURS = frozenset(
    {"--model", "--mmproj", "--alias", "--host", "--port", "--slot-save-path", *FIXED[:-1]}
)

# The further parameters that the embedded engine takes; any other needs a llama-server.
EMBEDDED_PARAMETERS = ADJUSTABLE | {
    "cache-prompt",
    "cache-reuse",
    "cache-type-k",
    "cache-type-v",
    "chat-template",
    "embd-normalize",
    "flash-attn",
    "gpu-layers",
    "keep",
    "kv-offload",
    "main-gpu",
    "min-p",
    "predict",
    "repeat-last-n",
    "repeat-penalty",
    "rope-freq-base",
    "rope-freq-scale",
    "seed",
    "slot-prompt-similarity",
    "swa-full",
    "temp",
    "threads",
    "threads-batch",
    "threads-http",
    "top-k",
    "top-p",
    "verbosity",
    "warmup",
}


def canonical(parameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the parameters by the one name we decide by, ``no-`` forms turned round."""
    result: dict[str, Scalar] = {}
    for name, value in parameters.items():
        positive = name.removeprefix("no-")
        if positive != name and positive in NEGATABLE and isinstance(value, bool):
            result[positive] = not value
        else:
            result[SYNONYMS.get(name, name)] = value
    return result


def words(name: str, value: Scalar) -> tuple[str, ...]:
    """Return one setting as the engine reads it; nothing for a switch that is off."""
    if not isinstance(value, bool):
        return (f"--{name}", str(value))
    if name in ON_OFF:
        return (f"--{name}", "on" if value else "off")
    if value:
        return (f"--{name}",)
    return (f"--no-{name}",) if name in NEGATABLE else ()
