"""Reads our own store: the folders of a models folder that have a manifest beside their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import define, evolve, field

from llama_runner.catalog.assembly import make_card
from llama_runner.catalog.bad_manifest import BadManifest
from llama_runner.catalog.card import ModelCard, ModelKind, kind_of, why_not_served
from llama_runner.catalog.facts import FileFacts
from llama_runner.catalog.found_file import FoundFile, PassedOver, absolute, why_unreadable
from llama_runner.catalog.go_to_jinja import template_for
from llama_runner.catalog.kept_manifest import (
    KeptFile,
    KeptManifest,
    manifests_in,
    read_kept_manifest,
)
from llama_runner.catalog.origin import MODELS, Origin, messages_in
from llama_runner.catalog.shards import LookAt, ModelFiles


@define(eq=False)
class KeptStore:
    """All models of one folder that were fetched or made here; ``homes`` are their folders.

    A folder whose manifest is not ours, or not whole, is like any other.
    """

    folder: Path
    _look_at: LookAt
    homes: set[Path] = field(factory=set, init=False)
    cards: list[ModelCard] = field(factory=list, init=False)
    passed_over: list[PassedOver] = field(factory=list, init=False)

    def read(self) -> None:
        """Make a card of every manifest that can be served, and tell of the rest why not."""
        for path in manifests_in(absolute(self.folder)):
            try:
                manifest, digest = read_kept_manifest(path)
                card = self._card(path.parent, manifest)
                changed = path.stat().st_mtime_ns
            except BadManifest as error:
                self.passed_over.append(PassedOver(path, str(error)))
            except OSError as error:
                self.passed_over.append(PassedOver(path, why_unreadable(error)))
            else:
                self.homes.add(path.parent)
                origin = _origin(path.parent, manifest, digest, changed, card.chat_template)
                self.cards.append(evolve(card, origin=origin))

    def _card(self, home: Path, manifest: KeptManifest) -> ModelCard:
        first, *others = [self._found(home, file) for file in manifest.of("model")]
        facts = self._facts(first)
        if why := why_not_served(facts, first.stem):
            raise BadManifest(f"of its file {first.path.name}: {why}")
        if kind_of(facts, first.stem) is ModelKind.PROJECTOR:
            raise BadManifest(f"its file {first.path.name} is a projector")
        weights = facts.weights + sum(self._facts(other).weights for other in others)
        model = ModelFiles(first.stem, (first, *others), facts, weights)
        projectors = [self._projector(home, file) for file in manifest.of("projector")]
        return make_card(model, projectors[0] if projectors else None)

    def _projector(self, home: Path, file: KeptFile) -> ModelFiles:
        found = self._found(home, file)
        return ModelFiles(found.stem, (found,), self._facts(found), 0)

    def _found(self, home: Path, file: KeptFile) -> FoundFile:
        path = home / file.name
        try:
            status = path.stat()
        except FileNotFoundError:
            raise BadManifest(f"its file {file.name} is missing") from None
        if not path.is_file() or status.st_size != file.size:
            raise BadManifest(f"its file {file.name} is not the one of {file.size} bytes")
        return FoundFile(path, (home.name,), status.st_size, status.st_mtime_ns, MODELS)

    def _facts(self, file: FoundFile) -> FileFacts:
        facts = self._look_at(file)
        if isinstance(facts, str):
            raise BadManifest(f"of its file {file.path.name}: {facts}")
        return facts


def read_kept(folders: Sequence[Path], look_at: LookAt) -> list[KeptStore]:
    """Return what our store has in these folders."""
    stores = [KeptStore(folder, look_at) for folder in folders]
    for store in stores:
        store.read()
    return stores


def _origin(
    home: Path, manifest: KeptManifest, digest: str, changed: int, own_template: str | None
) -> Origin:
    parameters, template = manifest.json_of("params"), manifest.text("template")
    return Origin(
        store=MODELS,
        names=(manifest.name,),
        digest=digest,
        size=manifest.size,
        modified_ns=changed,
        system=manifest.text("system"),
        template=template,
        license=manifest.text("license"),
        parameters=parameters if isinstance(parameters, dict) else {},
        messages=messages_in(manifest.json_of("messages")),
        adapters=tuple(str(home / file.name) for file in manifest.of("adapter")),
        chat_template=manifest.text("chat_template") or template_for(template, own_template),
    )
