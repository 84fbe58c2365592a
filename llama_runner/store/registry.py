"""Ollama's registry: a manifest of layers, each a blob by its digest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from llama_runner.errors import PullFailed
from llama_runner.store.file_names import told_apart
from llama_runner.store.pull_name import PullName
from llama_runner.store.remote_file import RemoteFile
from llama_runner.store.remote_model import NOT_THERE, NoSuchModel, RemoteModel, RemotePart, Role
from llama_runner.store.web import SourceRefused, Web

_ACCEPT = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
_LAYER = "application/vnd.ollama.image."
_ROLES: Mapping[str, Role] = {role.value: role for role in Role} | {"prompt": Role.TEMPLATE}
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_LONGEST_TEXT = 16 * 1024**2


@frozen
class RegistrySource:
    """One model of a registry."""

    web: Web
    name: PullName

    @property
    def _address(self) -> str:
        return f"{self.web.base}/v2/{self.name.repository}"

    async def find(self) -> RemoteModel:
        """Return what the manifest tells; the models of several layers are numbered.

        Raises:
            PullFailed: there is none, or none that we understand.

        """
        try:
            page = await self.web.json(f"{self._address}/manifests/{self.name.tag}", _ACCEPT)
        except SourceRefused as error:
            raise self.explained(error) from error
        match page.fields:
            case {"layers": [*layers], **rest}:
                parts = [self._part(layer) for layer in layers]
                if isinstance(config := rest.get("config"), Mapping) and config.get("digest"):
                    parts.append(self._part(config, Role.CONFIG))
            case _:
                raise PullFailed(f"the manifest of {self.name.short} is not one of Ollama's")
        known = tuple(part for part in parts if part is not None)
        if not any(part.role is Role.MODEL for part in known):
            raise PullFailed(f"{self.name.short} has no model in GGUF's format")
        return RemoteModel(self.name.short, _numbered(known))

    def explained(self, error: SourceRefused) -> PullFailed:
        """Say what a registry's answer means."""
        if error.answer == 404:
            return NoSuchModel(NOT_THERE)
        return PullFailed(str(error))

    def _part(self, layer: Any, role: Role | None = None) -> RemotePart | None:
        match layer:
            case {"mediaType": str() as kind, "digest": str() as digest, "size": int() as size}:
                found = _DIGEST.fullmatch(digest)
                if found is None or size <= 0:
                    raise PullFailed(f"the manifest of {self.name.short} has a wrong layer")
            case _:
                raise PullFailed(f"the manifest of {self.name.short} has a wrong layer")
        role = role or _ROLES.get(kind.removeprefix(_LAYER))
        if role is None:
            return None
        if role.is_text and size > _LONGEST_TEXT:
            raise PullFailed(f"the {role.value} of {self.name.short} has {size} bytes")
        file = RemoteFile(f"{self._address}/blobs/{digest}", size, found[1])
        return RemotePart(role, file, f"{_STEMS.get(role, role.value)}.gguf")


_STEMS: Mapping[Role, str] = {Role.PROJECTOR: "mmproj"}


def _numbered(parts: tuple[RemotePart, ...]) -> tuple[RemotePart, ...]:
    """Give each file a name of its own."""
    names = told_apart(part.name for part in parts)
    return tuple(evolve(part, name=name) for part, name in zip(parts, names, strict=True))
