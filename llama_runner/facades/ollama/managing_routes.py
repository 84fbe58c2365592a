"""Ollama's routes that copy and delete models."""

from __future__ import annotations

from functools import partial

import trio
from quart import Response, request
from quart_trio import QuartTrio

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.errors import BadRequest, UnknownModel
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.go_json import Struct
from llama_runner.facades.ollama.names import find, spelled
from llama_runner.store.making import copy_of
from llama_runner.store.pull_name import PullName, read_pull_name

COPY_REQUEST = Struct("CopyRequest", {"source": "string", "destination": "string"})
DELETE_REQUEST = Struct("DeleteRequest", {"model": "string", "name": "string"})


def add_managing_routes(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve the copying and deleting of models."""

    @app.post("/api/copy")
    async def copy() -> Response:
        asked = COPY_REQUEST.read(await request.body)
        source = asked.get("source", "")
        model = _found(dependencies, source, f'source "{source}" is invalid')
        if model is None:
            raise BadRequest(f'model "{source}" not found', status=404)
        destination = asked.get("destination", "")
        named = name_of(destination, f'destination "{destination}" is invalid')
        name = spelled(dependencies.catalog.value, named.short)
        if name not in model.card.origin.names or not model.card.origin.is_kept:
            made = await trio.to_thread.run_sync(partial(copy_of, model.card, name))
            await dependencies.store.put(made)
        return Response(b"")

    @app.delete("/api/delete")
    async def delete() -> Response:
        asked = DELETE_REQUEST.read(await request.body)
        name = asked.get("model") or asked.get("name") or ""
        model = _found(dependencies, name, f'name "{name}" is invalid')
        if model is None:
            raise UnknownModel(name, ())
        if not model.card.origin.is_kept:
            where = f"it was not fetched or made here, and lies in {model.card.path}"
            raise BadRequest(f"model '{name}' cannot be deleted: {where}")
        await dependencies.store.remove(model)
        return Response(b"")


def name_of(text: str, refusal: str) -> PullName:
    """Return the parts of a name that a model is to have.

    Raises:
        BadRequest: it is none; with this text.

    """
    try:
        return read_pull_name(text)
    except BadRequest:
        raise BadRequest(refusal) from None


def _found(dependencies: Dependencies, name: str, refusal: str) -> CatalogModel | None:
    try:
        return find(dependencies.catalog.value, name)
    except BadRequest:
        raise BadRequest(refusal) from None
    except UnknownModel:
        return None
