"""Walks model folders in a thread and reads the headers that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import trio
from attrs import define

from llama_runner.catalog.assembly import ScanResult, assemble
from llama_runner.catalog.cache import MetadataCache
from llama_runner.catalog.card import ModelCard
from llama_runner.catalog.duplicates import without_duplicates
from llama_runner.catalog.facts import FileFacts, facts_of
from llama_runner.catalog.folder_walk import FolderWalk
from llama_runner.catalog.found_file import FoundFile, PassedOver
from llama_runner.catalog.gguf import GGUFError
from llama_runner.catalog.header_file import read_header_file
from llama_runner.catalog.hugging_face import snapshots
from llama_runner.catalog.kept_store import read_kept
from llama_runner.catalog.ollama_store import OllamaStore
from llama_runner.catalog.origin import HUGGING_FACE, LM_STUDIO, MODELS, OLLAMA
from llama_runner.catalog.shards import Findings
from llama_runner.catalog.store_places import StorePlace, place_of

__all__ = ["PassedOver", "ScanResult", "scan", "scan_here"]


async def scan(
    folders: Sequence[Path],
    cache: MetadataCache | None = None,
    *,
    files: Sequence[Path] = (),
    others: Sequence[StorePlace] = (),
) -> ScanResult:
    """Find the models below ``folders``, in the stores of others, and in single ``files``.

    Runs in a thread. Cancelling takes effect before the next file or folder
    is looked at, and leaves nothing running behind.
    """

    def work() -> ScanResult:
        return scan_here(
            folders,
            cache,
            files=files,
            others=others,
            checkpoint=trio.from_thread.check_cancelled,
        )

    return await trio.to_thread.run_sync(work)


def scan_here(
    folders: Sequence[Path],
    cache: MetadataCache | None = None,
    *,
    files: Sequence[Path] = (),
    others: Sequence[StorePlace] = (),
    checkpoint: Callable[[], None] = lambda: None,
) -> ScanResult:
    """Do the same in the calling thread; ``checkpoint`` may raise to end it."""
    scanning = _Scan(cache, checkpoint)
    if cache:
        cache.load()
    try:
        result = scanning.folders(folders, others)
        for path in files:
            result = scanning.with_file(path, result)
    finally:
        # What was read before a cancellation need not be read again.
        if cache:
            cache.forget_missing()
            cache.save()
    return result


@define(eq=False)
class _Scan:
    _cache: MetadataCache | None
    _checkpoint: Callable[[], None]

    def folders(self, folders: Sequence[Path], others: Sequence[StorePlace]) -> ScanResult:
        """Read all stores; what lies in two of them is known by the first."""
        named = [*map(place_of, folders), *others]
        own = [place.folder for place in named if place.store == MODELS]
        kept = read_kept(own, self._look_at)
        walk = FolderWalk(self._checkpoint, frozenset(home for one in kept for home in one.homes))
        walk.walk(own)
        passed_over = [passed for one in kept for passed in one.passed_over]
        for place in named:
            if place.store == LM_STUDIO:
                walk.walk([place.folder], LM_STUDIO)
            elif place.store == HUGGING_FACE:
                places, reasons = snapshots(place.folder)
                walk.walk_places(places, HUGGING_FACE)
                passed_over += reasons
        result = assemble(self._findings(walk.files))
        more: list[ModelCard] = []
        for folder in dict.fromkeys(place.folder for place in named if place.store == OLLAMA):
            store = OllamaStore(folder, self._look_at)
            store.read()
            more += store.cards
            passed_over += store.passed_over
        cards = [
            *(card for one in kept for card in one.cards),
            *without_duplicates(_models_first(result.cards), more),
        ]
        cards.sort(key=lambda card: card.path)
        return ScanResult(
            tuple(cards), _by_path((*walk.passed_over, *result.passed_over, *passed_over))
        )

    def with_file(self, path: Path, result: ScanResult) -> ScanResult:
        """Add the model in one file, with the shards and the projector beside it."""
        walk = FolderWalk(self._checkpoint)
        wanted = walk.walk_beside(path)
        known = {card.path for card in result.cards}
        if wanted in known | {passed.path for passed in result.passed_over}:
            return result
        more = assemble(self._findings(walk.files))
        cards = [card for card in more.cards if card.path == wanted]
        reasons = [p for p in (*walk.passed_over, *more.passed_over) if p.path == wanted]
        if not cards and not reasons:
            reasons = [PassedOver(wanted, "it is not the first part of its model")]
        return ScanResult(
            tuple(sorted((*result.cards, *cards), key=lambda card: card.path)),
            _by_path((*result.passed_over, *reasons)),
        )

    def _findings(self, files: Sequence[FoundFile]) -> Findings:
        return {file: self._look_at(file) for file in files}

    def _look_at(self, file: FoundFile) -> FileFacts | str:
        remembered = self._cache.find(file) if self._cache else None
        if remembered is not None:
            return remembered
        self._checkpoint()
        try:
            finding = _read(file)
        except OSError as error:
            # It may well be readable next time: not worth remembering.
            return f"it cannot be read: {error.strerror or error}"
        if self._cache:
            self._cache.remember(file, finding)
        return finding


def _read(file: FoundFile) -> FileFacts | str:
    if file.size == 0:
        return "it is empty"
    try:
        return facts_of(read_header_file(file.path, file.size))
    except GGUFError as error:
        return str(error)


def _models_first(cards: Iterable[ModelCard]) -> list[ModelCard]:
    return sorted(cards, key=lambda card: card.origin.store != MODELS)


def _by_path(passed_over: Iterable[PassedOver]) -> tuple[PassedOver, ...]:
    return tuple(sorted(passed_over, key=lambda passed: passed.path))
