"""Reads Ollama's store in place: manifests by name, blobs by their sha256. Nothing is written."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from llama_runner.catalog.assembly import make_card
from llama_runner.catalog.bad_manifest import BadManifest
from llama_runner.catalog.card import ModelCard, ModelKind, is_adapter, kind_of, why_not_served
from llama_runner.catalog.found_file import FoundFile, PassedOver, why_unreadable
from llama_runner.catalog.go_to_jinja import template_for
from llama_runner.catalog.ollama_dialect import why_ollama_only
from llama_runner.catalog.ollama_manifest import Layer, OllamaManifest, read_manifest
from llama_runner.catalog.origin import OLLAMA, Origin, messages_in
from llama_runner.catalog.shards import LookAt, ModelFiles

_LARGEST_TEXT = 4 * 1024 * 1024
_DEPTH = 4


@define(eq=False)
class OllamaStore:
    """One store; ``look_at`` reads the header of a blob."""

    folder: Path
    _look_at: LookAt
    cards: list[ModelCard] = field(factory=list, init=False)
    passed_over: list[PassedOver] = field(factory=list, init=False)

    def read(self) -> None:
        """Make a card of every manifest that can be served, and tell of the rest why not."""
        for path, parts in self._manifests(self.folder / "manifests", ()):
            try:
                content = _content(path)
                modified = path.stat().st_mtime_ns
                self.cards.append(self._card(read_manifest(parts, content), modified))
            except BadManifest as error:
                self.passed_over.append(PassedOver(path, str(error)))
            except OSError as error:
                self.passed_over.append(PassedOver(path, why_unreadable(error)))

    def _manifests(
        self, folder: Path, parts: tuple[str, ...]
    ) -> Iterator[tuple[Path, tuple[str, ...]]]:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self.passed_over.append(PassedOver(folder, why_unreadable(error)))
            return
        # Names have four parts, so a link that leads round in circles ends as well.
        for entry in entries:
            path, names = Path(entry.path), (*parts, entry.name)
            if entry.name.startswith("."):
                continue
            if len(names) < _DEPTH and entry.is_dir():
                yield from self._manifests(path, names)
            elif len(names) == _DEPTH:
                yield path, names

    def _card(self, manifest: OllamaManifest, modified_ns: int) -> ModelCard:
        self._refuse_other_formats(manifest)
        model = self._gguf(manifest.of("model")[0])
        if why := why_not_served(model.facts, model.stem) or why_ollama_only(model.facts):
            raise BadManifest(why)
        if kind_of(model.facts, model.stem) is ModelKind.PROJECTOR:
            raise BadManifest("its model is a projector")
        projectors = [self._gguf(layer) for layer in manifest.of("projector")]
        card = make_card(model, projectors[0] if projectors else None)
        origin = self._origin(manifest, modified_ns)
        chosen = template_for(origin.template, card.chat_template)
        return evolve(card, origin=evolve(origin, chat_template=chosen))

    def _refuse_other_formats(self, manifest: OllamaManifest) -> None:
        config = self._json(manifest.config) if manifest.config else None
        told: Mapping[str, Any] = config if isinstance(config, dict) else {}
        if told.get("remote_host") or told.get("remote_model"):
            raise BadManifest("it is a model of Ollama's cloud, not of this machine")
        if manifest.of("tensor") or manifest.of("image.tensor"):
            raise BadManifest("its weights are single tensors, in a format of Ollama's own")
        if (form := told.get("model_format")) not in (None, "", "gguf"):
            raise BadManifest(f"its format is {str(form)[:40]!r}, not gguf")
        models = manifest.of("model")
        if len(models) != 1:
            number = len(models) or "no"
            raise BadManifest(f"it has {number} files of weights, expected one")

    def _origin(self, manifest: OllamaManifest, modified_ns: int) -> Origin:
        parameters = self._json_of(manifest, "params")
        return Origin(
            store=OLLAMA,
            names=manifest.names,
            digest=manifest.digest,
            size=manifest.size,
            modified_ns=modified_ns,
            system=self._text(manifest, "system"),
            template=self._text(manifest, "template"),
            license=self._text(manifest, "license"),
            parameters=parameters if isinstance(parameters, dict) else {},
            messages=messages_in(self._json_of(manifest, "messages")),
            adapters=tuple(self._adapter(layer) for layer in manifest.of("adapter")),
        )

    def _adapter(self, layer: Layer) -> str:
        adapter = self._gguf(layer)
        if not is_adapter(adapter.facts):
            raise BadManifest("its adapter is no LoRA adapter in a GGUF file")
        return str(adapter.path)

    def _gguf(self, layer: Layer) -> ModelFiles:
        path = self.folder / "blobs" / layer.blob
        try:
            status = path.stat()
        except FileNotFoundError:
            raise BadManifest(f"its blob {layer.blob} is missing") from None
        if not path.is_file():
            raise BadManifest(f"its blob {layer.blob} is no file")
        if layer.size and status.st_size != layer.size:
            raise BadManifest(
                f"its blob {layer.blob} has {status.st_size} bytes, expected {layer.size}"
            )
        file = FoundFile(path, (), status.st_size, status.st_mtime_ns, OLLAMA)
        facts = self._look_at(file)
        if isinstance(facts, str):
            raise BadManifest(f"of its blob {layer.blob}: {facts}")
        return ModelFiles(file.stem, (file,), facts, facts.weights)

    def _text(self, manifest: OllamaManifest, kind: str) -> str:
        layers = manifest.of(kind)
        return "\n".join(self._read(layer).decode(errors="replace") for layer in layers)

    def _json_of(self, manifest: OllamaManifest, kind: str) -> Any:
        layers = manifest.of(kind)
        return self._json(layers[-1]) if layers else None

    def _json(self, layer: Layer) -> Any:
        try:
            return json.loads(self._read(layer))
        except (ValueError, RecursionError):
            raise BadManifest(f"its blob {layer.blob} is no JSON") from None

    def _read(self, layer: Layer) -> bytes:
        try:
            return _content(self.folder / "blobs" / layer.blob)
        except FileNotFoundError:
            raise BadManifest(f"its blob {layer.blob} is missing") from None


def _content(path: Path) -> bytes:
    """Return what a small file holds; a named pipe would be waited for."""
    size = path.stat().st_size
    if not path.is_file():
        raise BadManifest(f"{path.name} is no file")
    if size > _LARGEST_TEXT:
        raise BadManifest(f"{path.name} has {size} bytes, more than {_LARGEST_TEXT}")
    return path.read_bytes()
