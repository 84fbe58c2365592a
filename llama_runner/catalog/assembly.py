"""Files and their facts in, model cards out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from llama_runner.catalog.card import (
    ModelCard,
    ModelKind,
    Projector,
    capabilities_of,
    kind_of,
    why_not_served,
)
from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import PassedOver
from llama_runner.catalog.origin import HUGGING_FACE, Origin
from llama_runner.catalog.projectors import choose_projector
from llama_runner.catalog.quantization import quantization_name, split_quantization
from llama_runner.catalog.shards import Findings, ModelFiles, join_shards


@frozen
class ScanResult:
    """The models that were found, and what was passed over and why; both in order of path."""

    cards: tuple[ModelCard, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


def assemble(findings: Findings) -> ScanResult:
    """Make one card of each model that can be served; pass over everything else."""
    joined, passed_over = join_shards(findings)
    folders: dict[Path, list[ModelFiles]] = defaultdict(list)
    for one in joined:
        folders[one.path.parent].append(one)
    cards: list[ModelCard] = []
    for files in folders.values():
        more, reasons = _assemble_folder(files)
        cards += more
        passed_over += reasons
    return ScanResult(
        tuple(sorted(cards, key=lambda card: card.path)),
        tuple(sorted(passed_over, key=lambda passed: passed.path)),
    )


def _assemble_folder(files: Sequence[ModelFiles]) -> tuple[list[ModelCard], list[PassedOver]]:
    by_kind: dict[ModelKind, list[ModelFiles]] = defaultdict(list)
    for one in files:
        by_kind[kind_of(one.facts, one.stem)].append(one)
    projectors, others = by_kind.pop(ModelKind.PROJECTOR, []), by_kind.pop(ModelKind.OTHER, [])
    models = [one for kind in by_kind.values() for one in kind]
    cards = [make_card(model, choose_projector(model, projectors, models)) for model in models]
    used = {card.mmproj for card in cards}
    unused = [one for one in projectors if one.path not in used]
    return cards, [
        *(PassedOver(one.path, why_not_served(one.facts, one.stem) or "") for one in others),
        *(PassedOver(one.path, "it is a projector that no model here uses") for one in unused),
    ]


def make_card(model: ModelFiles, projector: ModelFiles | None) -> ModelCard:
    """Return the card of a model with the projector that it sees with, if any."""
    facts = model.facts
    kind = kind_of(facts, model.stem)
    sees = projector is not None and projector.facts.projects_images
    return ModelCard(
        path=model.path,
        shards=tuple(file.path for file in model.files),
        folders=model.files[0].folders,
        size=sum(file.size for file in model.files),
        modified_ns=max(file.modified_ns for file in model.files),
        mmproj=projector.path if projector else None,
        projector=_projector(projector.facts) if projector else None,
        architecture=facts.architecture,
        name=facts.name,
        parameters=facts.parameters or model.weights or None,
        quantization=quantization_name(facts.file_type, model.stem),
        context_length=facts.context_length,
        embedding_length=facts.embedding_length,
        block_count=facts.block_count,
        head_count=_one_or_each(facts.head_counts),
        head_count_kv=_one_or_each(facts.head_counts_kv or facts.head_counts),
        key_length=facts.key_length,
        value_length=facts.value_length,
        sliding_window=facts.sliding_window,
        windowed_layers=facts.windowed_layers,
        feed_forward_length=facts.feed_forward_length,
        state_length=facts.state_length,
        vocabulary_size=facts.vocabulary_size,
        chat_template=facts.chat_template,
        pooling=facts.pooling,
        kind=kind,
        capabilities=capabilities_of(facts, kind, sees=sees),
        origin=_origin(model),
    )


def _origin(model: ModelFiles) -> Origin:
    store, folders = model.files[0].store, model.files[0].folders
    if store != HUGGING_FACE or len(folders) < 2:
        return Origin(store=store)
    quantization = quantization_name(model.facts.file_type, model.stem)
    told = split_quantization(model.stem)[1] or quantization
    return Origin(store=store, names=(f"{folders[0]}/{folders[1]}:{told}",))


def _projector(facts: FileFacts) -> Projector:
    return Projector(
        patches=facts.image_patches,
        embedding_length=facts.embedding_length,
        feed_forward_length=facts.feed_forward_length,
    )


def _one_or_each(counts: tuple[int, ...]) -> int | tuple[int, ...]:
    if len(set(counts)) > 1:
        return counts
    return counts[0] if counts else 0
