"""What the GGUF header and the file system tell about a model."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path

from attrs import field, frozen

from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.origin import Origin

_RANK_POOLING = 4
_TOOLS = re.compile(r"\btools\b|tool_call")
_THINKING = re.compile(
    r"<think>|\[THINK\]|enable_thinking|reasoning_content|<\|channel\|>|<seed:think>"
)


class ModelKind(Enum):
    """What a GGUF file can be used for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    RERANK = "rerank"
    PROJECTOR = "projector"
    OTHER = "other"


@frozen(kw_only=True)
class Projector:
    """The size of what a projector calculates for one image: its pieces, and two lengths."""

    patches: int
    embedding_length: int
    feed_forward_length: int


@frozen(kw_only=True)
class ModelCard:
    """One servable model on disk.

    ``folders`` are the folders between the scanned one and the file, which
    people know models by: ``("publisher", "repository")``, or none. Numbers
    that the header does not tell are 0, or None where 0 means something. It was
    ``modified_ns`` nanoseconds after 1970 that the newest of its files was changed.
    """

    path: Path
    shards: tuple[Path, ...]
    folders: tuple[str, ...]
    size: int
    modified_ns: int
    mmproj: Path | None
    # Not known of one that the configuration names.
    projector: Projector | None
    architecture: str
    name: str | None
    parameters: int | None
    quantization: str
    context_length: int
    embedding_length: int
    block_count: int
    head_count: int | tuple[int, ...]
    head_count_kv: int | tuple[int, ...]
    key_length: int | None
    value_length: int | None
    sliding_window: int | None
    windowed_layers: int
    feed_forward_length: int
    state_length: int
    vocabulary_size: int
    chat_template: str | None = field(repr=False)
    pooling: int | None
    kind: ModelKind
    capabilities: frozenset[str]
    origin: Origin = field(factory=Origin, hash=False)


def kind_of(facts: FileFacts, stem: str) -> ModelKind:
    """Return what a file is, by its header; its name has a say where headers are known to lack."""
    if facts.architecture == "clip" or facts.general_type == "mmproj":
        return ModelKind.PROJECTOR
    if why_not_served(facts, stem):
        return ModelKind.OTHER
    if facts.pooling == _RANK_POOLING:
        return ModelKind.RERANK
    if facts.pooling or encodes_only(facts.architecture):
        return ModelKind.EMBEDDING
    return ModelKind.CHAT


def is_adapter(facts: FileFacts) -> bool:
    """Tell whether a file is a LoRA adapter."""
    return facts.is_adapter or facts.general_type == "adapter"


def why_not_served(facts: FileFacts, stem: str) -> str | None:
    """Return why a file that is no projector cannot be served as a model, or None if it can."""
    if is_adapter(facts):
        return "it is a LoRA adapter, not a model"
    if facts.is_importance_matrix or facts.general_type == "imatrix":
        return "it is an importance matrix, not a model"
    if facts.tensor_count == 0:
        return "it holds a vocabulary but no weights"
    if not facts.architecture:
        return "its header names no architecture"
    if not facts.has_tokenizer:
        return f"it has no tokenizer, so it is no language model ({facts.architecture})"
    if stem.lower().startswith("mtp-"):
        return "it holds draft layers for another model"
    return None


def capabilities_of(facts: FileFacts, kind: ModelKind, *, sees: bool) -> frozenset[str]:
    """Return what a model can do, in Ollama's words and ``chat``.

    Tools and thinking are read off the chat template, since nothing else in a
    header tells of them.
    """
    if kind is not ModelKind.CHAT:
        return frozenset({"embedding"} if kind is ModelKind.EMBEDDING else ())
    answers = {"completion": True, "vision": sees, "tools": facts.has_tool_template}
    found = frozenset(name for name, holds in answers.items() if holds)
    return found | template_capabilities(facts.chat_template)


def template_capabilities(template: str | None) -> frozenset[str]:
    """Return what a chat template lets a model do, ``chat`` itself included."""
    if template is None:
        return frozenset()
    answers = {"tools": _TOOLS.search(template), "thinking": _THINKING.search(template)}
    return frozenset({"chat", *(name for name, found in answers.items() if found)})


def encodes_only(architecture: str) -> bool:
    """Tell whether models of an architecture read a text at once and say nothing."""
    return "bert" in architecture or architecture in {"gemma-embedding", "t5encoder"}
