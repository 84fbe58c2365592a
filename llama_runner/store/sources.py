"""Where a name's model may be had, in the order in which that is tried."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import httpx  # noqa: ASYNC127 - its successor is not what this is tested with
from attrs import frozen

from llama_runner.config.store import StoreConfig
from llama_runner.store.hugging_face import HuggingFaceSource, hugging_face_token
from llama_runner.store.pull_name import PullName
from llama_runner.store.registry import RegistrySource
from llama_runner.store.remote_model import NOT_THERE, NoSuchModel, RemoteModel, Source
from llama_runner.store.web import Web, open_client


class OpenSources(Protocol):
    """Opens the servers of a name, for one who may be content with an insecure connection."""

    def __call__(self, name: PullName, *, insecure: bool) -> AbstractAsyncContextManager[Sources]:
        """Open them while a block lasts."""
        ...


@frozen
class Sources:
    """The servers that may have a model."""

    _each: tuple[Source, ...]

    async def find(self) -> tuple[Source, RemoteModel]:
        """Return the first one that has the model, and what it has.

        Raises:
            PullFailed: none has it, or one of those before could not be asked.

        """
        for source in self._each:
            try:
                return source, await source.find()
            except NoSuchModel:
                continue
        raise NoSuchModel(NOT_THERE)


def sources_of(settings: StoreConfig) -> OpenSources:
    """Return what opens the sources that are configured."""

    @asynccontextmanager
    async def opened(name: PullName, *, insecure: bool) -> AsyncIterator[Sources]:
        async with open_client(insecure=insecure) as client:
            yield Sources(tuple(_sources(settings, client, name, insecure=insecure)))

    return opened


def _sources(
    settings: StoreConfig, client: httpx.AsyncClient, name: PullName, *, insecure: bool
) -> list[Source]:
    token = hugging_face_token(settings.hugging_face_token, os.environ)
    hub = HuggingFaceSource(
        Web(client, settings.hugging_face, token), name, has_token=token is not None
    )
    if name.on_hugging_face:
        return [hub]
    base = f"{'http' if insecure else 'https'}://{name.host}"
    address = settings.registry if name.in_registry else base
    registry = RegistrySource(Web(client, address, challenged=True), name)
    if not name.in_registry or name.is_official:
        return [registry]
    # A name of two parts may be either's; repositories of such files are mostly called so.
    return [hub, registry] if "gguf" in name.model.lower() else [registry, hub]
