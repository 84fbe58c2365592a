"""Joins the files that make up one model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import frozen

from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile, PassedOver, shard_name

LookAt: TypeAlias = "Callable[[FoundFile], FileFacts | str]"
"""Reads a file's header: its facts, or why there are none."""
Findings: TypeAlias = Mapping[FoundFile, "FileFacts | str"]
"""What reading each file has given: its facts, or why there are none."""

_MOST_LISTED = 5


@frozen
class ModelFiles:
    """The files of one model, the first shard first, with the facts of that one."""

    stem: str
    files: tuple[FoundFile, ...]
    facts: FileFacts
    weights: int

    @property
    def path(self) -> Path:
        """The file by which the model is opened."""
        return self.files[0].path


def join_shards(findings: Findings) -> tuple[list[ModelFiles], list[PassedOver]]:
    """Join shards into models; a model of which a part is missing or bad is passed over."""
    models: list[ModelFiles] = []
    passed_over = [PassedOver(f.path, why) for f, why in findings.items() if isinstance(why, str)]
    for files in _groups(findings):
        read = [facts for file in files if isinstance(facts := findings[file], FileFacts)]
        if fault := _fault(files, len(read)):
            intact = [file for file in files if isinstance(findings[file], FileFacts)]
            passed_over += [PassedOver(file.path, fault) for file in intact[:1]]
        else:
            weights = sum(facts.weights for facts in read)
            models.append(ModelFiles(_model_stem(files[0]), tuple(files), read[0], weights))
    return models, passed_over


def _groups(findings: Findings) -> list[list[FoundFile]]:
    groups: dict[tuple[object, ...], list[FoundFile]] = defaultdict(list)
    for file in sorted(findings, key=lambda file: file.stem.lower()):
        shard = shard_name(file.stem)
        model = (shard.stem, shard.total) if shard else (file.path,)
        groups[(file.path.parent, *model)].append(file)
    return list(groups.values())


def _model_stem(first: FoundFile) -> str:
    shard = shard_name(first.stem)
    return shard.stem if shard else first.stem


def _fault(files: Sequence[FoundFile], read: int) -> str | None:
    shards = [shard for file in files if (shard := shard_name(file.stem))]
    total = shards[0].total if shards else 1
    missing = sorted(set(range(1, total + 1)) - {shard.number for shard in shards})
    if shards and missing:
        listed = ", ".join(map(str, missing[:_MOST_LISTED]))
        more = ", …" if len(missing) > _MOST_LISTED else ""
        return f"of the model's {total} parts these are missing: {listed}{more}"
    return None if read == len(files) else "another part of this model cannot be used"
