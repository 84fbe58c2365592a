"""Makes the model that a request to ``/api/create`` asks for, and tells how far it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256

import trio
from attrs import define, evolve, field

from llama_runner.catalog.card import ModelCard
from llama_runner.errors import BadRequest, UnknownModel
from llama_runner.facades.ollama.create_request import CreateRequest
from llama_runner.facades.ollama.names import find, spelled
from llama_runner.facades.ollama.steps_body import SUCCESS, Step, StepsBody
from llama_runner.store.file_names import told_apart
from llama_runner.store.making import SuppliedFile, adapters, files_of, supplied, texts_of
from llama_runner.store.pull_name import read_pull_name
from llama_runner.store.remote_model import PulledFile, PulledModel, Role
from llama_runner.store.shelf import Shelf


@define(eq=False)
class Creation(StepsBody):
    """One model being made.

    What can be told to be wrong before anything is done, ``checked`` tells.
    """

    _asked: CreateRequest
    _base: ModelCard | None = field(default=None, init=False)
    _files: Sequence[PulledFile] = field(factory=tuple, init=False)
    _template: str | None = field(default=None, init=False)

    async def checked(self) -> Creation:
        """Look at all that is asked for, and return the same.

        Raises:
            BadRequest: a file is not here, or not of use.

        """
        asked, shelf = self._asked, self._dependencies.store.shelf
        self._template = asked.chat_template
        if asked.base:
            self._base = self._found()
            if self._base is None:
                read_pull_name(asked.base)
        self._files = await trio.to_thread.run_sync(partial(_files, shelf, asked))
        return self

    async def steps(self) -> AsyncIterator[Step]:
        """Make the model, step by step.

        Raises:
            LlamaRunnerError: it cannot be made.

        """
        store, asked = self._dependencies.store, self._asked
        if asked.base and self._base is None:
            async for step in self.pulled(read_pull_name(asked.base)):
                if step != SUCCESS:  # which is for the end of all
                    yield step
            self._base = self._found()
            if self._base is None:
                raise UnknownModel(asked.base, ())
        model = await trio.to_thread.run_sync(self._model)
        for step in _layers(model, asked):
            yield step
        yield {"status": "writing manifest"}
        await store.put(model)
        yield SUCCESS

    def _found(self) -> ModelCard | None:
        try:
            return find(self._dependencies.catalog.value, self._asked.base).card
        except UnknownModel:
            return None

    def _model(self) -> PulledModel:
        asked, base = self._asked, self._base
        texts = {} if base is None else texts_of(base)
        texts |= {role: (text,) for role, text in asked.texts.items()}
        if asked.parameters:
            inherited = {} if base is None else dict(base.origin.parameters)
            texts[Role.PARAMETERS] = (json.dumps({**inherited, **asked.parameters}),)
        if self._template is not None:
            texts[Role.TEMPLATE] = (asked.template,)
            texts[Role.CHAT_TEMPLATE] = (self._template,)
        files = (*self._files, *(() if base is None else files_of(base)))
        name = spelled(self._dependencies.catalog.value, asked.name.short)
        return PulledModel(name, _numbered(files), texts)


def _files(shelf: Shelf, asked: CreateRequest) -> tuple[PulledFile, ...]:
    """Return the files that a client brought, which waits for the disk."""
    files = supplied(_here(shelf, asked.files)) if asked.files else ()
    return (*files, *adapters(_here(shelf, asked.adapters)))


def _here(shelf: Shelf, files: Mapping[str, str]) -> Iterator[SuppliedFile]:
    for name, digest in files.items():
        path = shelf.blob(digest)
        if path is None:
            raise BadRequest(f'invalid digest "sha256:{digest}": no such file was sent')
        yield SuppliedFile(name, path, digest)


def _numbered(files: Sequence[PulledFile]) -> tuple[PulledFile, ...]:
    """Give each file a name of its own."""
    names = told_apart(file.name for file in files)
    return tuple(evolve(file, name=name) for file, name in zip(files, names, strict=True))


def _layers(model: PulledModel, asked: CreateRequest) -> Iterator[Step]:
    if asked.files:
        yield {"status": "parsing GGUF"}
    for file in model.files:
        if file.sha256 is not None:
            yield {"status": f"using existing layer sha256:{file.sha256}"}
    for texts in model.texts.values():
        for text in texts:
            digest = sha256(text.encode()).hexdigest()
            yield {"status": f"creating new layer sha256:{digest}"}
