"""Pairs multimodal projectors with the models they were made for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llama_runner.catalog.quantization import quantization_name, split_quantization
from llama_runner.catalog.shards import ModelFiles

# A projector is small: precision is worth more than the room it takes.
_PREFERENCE = ("F16", "BF16", "Q8_0", "F32")
_NOT_ITS_NAME = re.compile(r"mmproj|model|[^a-z0-9]")


def choose_projector(
    model: ModelFiles, projectors: Sequence[ModelFiles], models: Sequence[ModelFiles]
) -> ModelFiles | None:
    """Return which of the projectors in a folder of models belongs to ``model``.

    In a folder of one model, quantised in several ways, any projector that
    fits is its own. Among different models a projector must be named after
    its model: one made for another model of the same width would load, and
    then misread every image.
    """
    fitting = [projector for projector in projectors if _fits(projector, model)]
    if fitting and not _one_family({_name(one) for one in models}):
        fitting = [projector for projector in fitting if _named_after(projector, model)]
    return min(fitting, key=_rank, default=None)


def _fits(projector: ModelFiles, model: ModelFiles) -> bool:
    width = projector.facts.projection_length
    return not width or not model.facts.embedding_length or width == model.facts.embedding_length


def _name(files: ModelFiles) -> str:
    return _NOT_ITS_NAME.sub("", split_quantization(files.stem)[0].lower())


def _one_family(names: set[str]) -> bool:
    shortest = min(names, key=len)
    return all(shortest in name for name in names)


def _named_after(projector: ModelFiles, model: ModelFiles) -> bool:
    own, other = _name(projector), _name(model)
    return bool(own) and bool(other) and (own in other or other in own)


def _rank(projector: ModelFiles) -> tuple[int, str]:
    name = quantization_name(projector.facts.file_type, projector.stem)
    rank = _PREFERENCE.index(name) if name in _PREFERENCE else len(_PREFERENCE)
    return rank, projector.stem
