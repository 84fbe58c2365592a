"""Hugging Face: the files of a repository, of which those of one model are taken."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import frozen

from llama_runner.errors import PullFailed
from llama_runner.store.pull_name import PullName
from llama_runner.store.remote_file import RemoteFile
from llama_runner.store.remote_model import NOT_THERE, NoSuchModel, RemoteModel, RemotePart, Role
from llama_runner.store.repository_files import (
    RepositoryFile,
    choose_files,
    choose_projector,
    lacks_shards,
    quantizations,
)
from llama_runner.store.web import SourceRefused, Web

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHOWN = 20
_PAGES = 50
_LONGEST_TOKEN = 1000


@frozen
class HuggingFaceSource:
    """One model of a repository; ``has_token`` tells whether we have said who we are."""

    web: Web
    name: PullName
    has_token: bool

    async def find(self) -> RemoteModel:
        """Return the model's files, and what its repository says for Ollama's programs.

        Raises:
            PullFailed: there are none, or they are not for us.

        """
        files = await self._files()
        chosen = choose_files(files, self.name.tag)
        if not chosen:
            raise self._none_of(files)
        if lacks_shards(chosen):
            raise PullFailed(f"{self.name.repository} does not have all files of {chosen[0].path}")
        parts = [self._part(Role.MODEL, file) for file in chosen]
        projector = choose_projector(files)
        if projector is not None:
            parts.append(self._part(Role.PROJECTOR, projector))
        return RemoteModel(self.name.short, tuple(parts), await self._texts(files))

    def explained(self, error: SourceRefused) -> PullFailed:
        """Say what Hugging Face's answer means, and what one can do about it."""
        where = f"{self.web.base}/{self.name.repository}"
        told = f"{error.answer} from Hugging Face: {where}"
        if error.answer == 404:
            return NoSuchModel(NOT_THERE)
        if error.answer == 401 and not self.has_token:
            return PullFailed(
                f"{told} is private, gated or does not exist; set HF_TOKEN, or "
                "store.hugging_face_token in app_config.json"
            )
        if error.answer == 401:
            return PullFailed(f"{told} does not exist, or the token is not valid for it")
        if error.answer == 403:
            return PullFailed(f"{told} has terms that this token's account has not been granted")
        return PullFailed(str(error))

    async def _files(self) -> list[RepositoryFile]:
        url = f"{self.web.base}/api/models/{self.name.repository}/tree/main?recursive=true"
        files: list[RepositoryFile] = []
        try:
            for _ in range(_PAGES):
                page = await self.web.json(url)
                if not isinstance(page.fields, list):
                    raise PullFailed(f"the list of files of {self.name.repository} is none")
                files += [found for each in page.fields if (found := _file(each)) is not None]
                if "next" not in page.links:
                    break
                url = page.links["next"]
        except SourceRefused as error:
            raise self.explained(error) from error
        return files

    def _part(self, role: Role, file: RepositoryFile) -> RemotePart:
        if not file.sha256:
            raise PullFailed(f"Hugging Face does not tell the digest of {file.path}")
        return RemotePart(role, RemoteFile(self._url(file.path), file.size, file.sha256), file.name)

    async def _texts(self, files: list[RepositoryFile]) -> Mapping[Role, tuple[str, ...]]:
        there = {file.path for file in files}
        texts = {}
        try:
            for role in (Role.TEMPLATE, Role.SYSTEM, Role.PARAMETERS):
                if role.value in there:
                    texts[role] = (await self.web.text(self._url(role.value)),)
        except SourceRefused as error:
            raise self.explained(error) from error
        return texts

    def _url(self, path: str) -> str:
        return f"{self.web.base}/{self.name.repository}/resolve/main/{quote(path)}"

    def _none_of(self, files: list[RepositoryFile]) -> PullFailed:
        there = quantizations(files)
        if not there:
            return PullFailed(f"{self.name.repository} has no GGUF files")
        listed = ", ".join(there[:_SHOWN])
        return PullFailed(f"{self.name.repository} has no {self.name.tag}; it has: {listed}")


def _file(entry: Any) -> RepositoryFile | None:
    match entry:
        case {"type": "file", "path": str() as path, "size": int() as size, **rest}:
            lfs = rest.get("lfs")
            digest = lfs.get("oid") if isinstance(lfs, Mapping) else None
            known = isinstance(digest, str) and _DIGEST.fullmatch(digest)
            return RepositoryFile(path, size, str(digest) if known else "")
    return None


def hugging_face_token(configured: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the token: what is configured, what the environment says, or the hub's own file.

    A file that cannot be read is as if there were none.
    """
    for token in (
        configured,
        environment.get("HF_TOKEN"),
        environment.get("HUGGING_FACE_HUB_TOKEN"),
    ):
        if token and token.strip():
            return token.strip()
    cache = environment.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    home = environment.get("HF_HOME") or os.path.join(cache, "huggingface")
    path = Path(environment.get("HF_TOKEN_PATH") or os.path.join(home, "token"))
    try:
        token = path.expanduser().read_text("ascii")[:_LONGEST_TOKEN].strip()
    except (OSError, ValueError):
        return None
    return token if token.isprintable() else None
