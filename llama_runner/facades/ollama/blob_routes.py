"""Ollama's routes for files that are to become models: asked for and sent by their sha256."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import trio
from quart import Response
from quart_trio import QuartTrio

from llama_runner.catalog.digest import sha256_in
from llama_runner.errors import BadRequest, LlamaRunnerError
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.errors import to_ollama
from llama_runner.facades.ollama.json_answer import JSON
from llama_runner.http.answer import Answer
from llama_runner.http.site import Pieces, UploadHandler
from llama_runner.store.upload import keep

PREFIX = "/api/blobs/"


def digest_in(text: str) -> str:
    """Return the hex digits of a digest as clients write it.

    Raises:
        BadRequest: it is none.

    """
    found = sha256_in(text)
    if found is None:
        raise BadRequest("invalid digest format")
    return found


def add_blob_route(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve the question whether a file is here."""

    @app.route(f"{PREFIX}<digest>", methods=["HEAD"])
    async def has(digest: str) -> Response:
        shelf, wanted = dependencies.store.shelf, digest_in(digest)
        found = await trio.to_thread.run_sync(partial(shelf.blob, wanted))
        return Response(b"", 404 if found is None else 200)


def build_uploads(dependencies: Dependencies) -> Mapping[str, UploadHandler]:
    """Return what takes files from clients."""
    return {PREFIX: partial(_take, dependencies)}


async def _take(
    dependencies: Dependencies, name: str, size: int | None, pieces: Pieces, answer: Answer
) -> None:
    shelf = dependencies.store.shelf
    try:
        digest = digest_in(name)
        if await trio.to_thread.run_sync(partial(shelf.blob, digest)) is not None:
            await answer.whole(200, JSON, b"")
            return
        await keep(shelf, digest, size, pieces)
    except LlamaRunnerError as error:
        worded = to_ollama(error)
        await answer.whole(worded.status, JSON, worded.body)
    else:
        await answer.whole(201, JSON, b"")
