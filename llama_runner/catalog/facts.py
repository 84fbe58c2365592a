"""What the catalog remembers of one GGUF file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from attrs import field, frozen
from attrs.validators import deep_iterable, instance_of, optional

from llama_runner.catalog.gguf import Header, Skipped, Value
from llama_runner.catalog.layers import state_length, windowed_layers

Metadata: TypeAlias = Mapping[str, Value]
_PROJECTOR_LENGTHS = "clip.vision"


def _each(numbers: Iterable[int]) -> tuple[int, ...]:
    return tuple(numbers)


_whole = instance_of(int)
_text = instance_of(str)
_flag = instance_of(bool)


@frozen(kw_only=True)
class FileFacts:
    """The part of a header that the catalog uses, small enough to be cached by the hundred.

    Types are checked because the cache on disk may have been edited.
    """

    architecture: str = field(validator=_text)
    general_type: str = field(validator=_text)
    name: str | None = field(validator=optional(_text))
    file_type: int | None = field(validator=optional(_whole))
    parameters: int | None = field(validator=optional(_whole))
    weights: int = field(validator=_whole)
    tensor_count: int = field(validator=_whole)
    context_length: int = field(validator=_whole)
    embedding_length: int = field(validator=_whole)
    block_count: int = field(validator=_whole)
    # One number for all layers, or one a layer.
    head_counts: tuple[int, ...] = field(converter=_each, validator=deep_iterable(instance_of(int)))
    head_counts_kv: tuple[int, ...] = field(
        converter=_each, validator=deep_iterable(instance_of(int))
    )
    key_length: int | None = field(validator=optional(_whole))
    value_length: int | None = field(validator=optional(_whole))
    sliding_window: int | None = field(validator=optional(_whole))
    # Layers that look back no further than the sliding window.
    windowed_layers: int = field(validator=_whole)
    feed_forward_length: int = field(validator=_whole)
    # Numbers that a layer without attention keeps of each sequence.
    state_length: int = field(validator=_whole)
    vocabulary_size: int = field(validator=_whole)
    has_tokenizer: bool = field(validator=_flag)
    chat_template: str | None = field(validator=optional(_text))
    # Some models bring a template of its own for the use of tools.
    has_tool_template: bool = field(validator=_flag)
    pooling: int | None = field(validator=optional(_whole))
    is_adapter: bool = field(validator=_flag)
    is_importance_matrix: bool = field(validator=_flag)
    projection_length: int | None = field(validator=optional(_whole))
    projects_images: bool = field(validator=_flag)
    # Pieces that a projector cuts an image of its own size into.
    image_patches: int = field(validator=_whole)
    # Ollama's converter puts a model and its projector into one file.
    packs_vision: bool = field(validator=_flag)


def facts_of(header: Header) -> FileFacts:
    """Take from a header what the catalog uses; values of a wrong type count as missing.

    Of a projector the lengths are those of the part that sees.
    """
    metadata = header.metadata
    architecture = _string(metadata, "general.architecture") or ""
    lengths = _PROJECTOR_LENGTHS if architecture == "clip" else architecture
    attention = f"{architecture}.attention"
    return FileFacts(
        architecture=architecture,
        general_type=_string(metadata, "general.type") or "",
        name=_string(metadata, "general.name"),
        file_type=_number(metadata, "general.file_type"),
        parameters=_number(metadata, "general.parameter_count"),
        weights=header.tensors.weights,
        tensor_count=header.tensors.count,
        context_length=_number(metadata, f"{architecture}.context_length") or 0,
        embedding_length=_number(metadata, f"{lengths}.embedding_length") or 0,
        block_count=_number(metadata, f"{architecture}.block_count") or 0,
        head_counts=_numbers(metadata, f"{attention}.head_count"),
        head_counts_kv=_numbers(metadata, f"{attention}.head_count_kv"),
        key_length=_number(metadata, f"{attention}.key_length"),
        value_length=_number(metadata, f"{attention}.value_length"),
        sliding_window=_number(metadata, f"{attention}.sliding_window"),
        windowed_layers=windowed_layers(metadata, architecture),
        feed_forward_length=max(_numbers(metadata, f"{lengths}.feed_forward_length") or (0,)),
        state_length=state_length(metadata, architecture),
        vocabulary_size=_vocabulary_size(metadata, architecture),
        has_tokenizer=any(key.startswith("tokenizer.") for key in metadata),
        chat_template=_string(metadata, "tokenizer.chat_template"),
        has_tool_template="tokenizer.chat_template.tool_use" in metadata,
        pooling=_number(metadata, f"{architecture}.pooling_type"),
        is_adapter="adapter.type" in metadata,
        is_importance_matrix=any(key.startswith("imatrix.") for key in metadata),
        projection_length=_number(metadata, "clip.vision.projection_dim"),
        projects_images=_projects_images(metadata),
        image_patches=_image_patches(metadata),
        packs_vision=architecture != "clip" and f"{architecture}.vision.block_count" in metadata,
    )


def _string(metadata: Metadata, key: str) -> str | None:
    value = metadata.get(key)
    return value if isinstance(value, str) else None


def _number(metadata: Metadata, key: str) -> int | None:
    value = metadata.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _numbers(metadata: Metadata, key: str) -> tuple[int, ...]:
    value = metadata.get(key)
    numbers = value if isinstance(value, tuple) else (value,)
    whole = tuple(n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and n >= 0)
    return whole if len(whole) == len(numbers) else ()


def _vocabulary_size(metadata: Metadata, architecture: str) -> int:
    tokens = metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, Skipped):
        return tokens.length
    if isinstance(tokens, tuple):
        return len(tokens)
    return _number(metadata, f"{architecture}.vocab_size") or 0


def _projects_images(metadata: Metadata) -> bool:
    says = metadata.get("clip.has_vision_encoder")
    # Old projectors say nothing; only those that do audio alone say so.
    return says is True or (says is None and metadata.get("clip.has_audio_encoder") is not True)


def _image_patches(metadata: Metadata) -> int:
    side = _number(metadata, "clip.vision.image_size") or 0
    patch = _number(metadata, "clip.vision.patch_size") or 0
    return (side // patch) ** 2 if patch else 0
