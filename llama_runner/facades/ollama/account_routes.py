"""Ollama's routes that need an account or its cloud: told as where neither can be reached."""

from __future__ import annotations

from collections.abc import AsyncIterator

from quart import Response, request
from quart_trio import QuartTrio

from llama_runner.errors import BadRequest, UnknownModel
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.dialect import LINES
from llama_runner.facades.ollama.go_json import Struct
from llama_runner.facades.ollama.json_answer import json_answer
from llama_runner.facades.ollama.line import line
from llama_runner.facades.ollama.names import find

PUSH_REQUEST = Struct(
    "PushRequest",
    {"model": "string", "name": "string", "insecure": "bool", "stream": "bool"},
)
NO_ACCOUNT = "account unavailable"
"""In Ollama's words, as the next one."""
NO_CLOUD = "ollama cloud is disabled"
NO_PUSH = "models cannot be pushed from here: this program has no account at any registry"


def add_account_routes(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve what there is no account or cloud for."""

    @app.post("/api/me")
    async def me() -> Response:
        return json_answer({"error": NO_ACCOUNT}, 503)

    @app.post("/api/signout")
    async def sign_out() -> Response:
        return json_answer({"error": NO_ACCOUNT}, 503)

    @app.delete("/api/user/keys/<key>")
    async def forget_key(key: str) -> Response:
        return json_answer({"error": NO_ACCOUNT}, 503)

    @app.post("/api/experimental/web_search")
    async def search() -> Response:
        return json_answer({"error": f"{NO_CLOUD}: web search is unavailable"}, 403)

    @app.post("/api/experimental/web_fetch")
    async def fetch() -> Response:
        return json_answer({"error": f"{NO_CLOUD}: web fetch is unavailable"}, 403)

    @app.post("/api/push")
    async def push() -> Response:
        asked = PUSH_REQUEST.read(await request.body)
        name = asked.get("model") or asked.get("name")
        if not name:
            raise BadRequest("model is required")
        error = _why_not(dependencies, name)
        if asked.get("stream", True):
            return Response(_refused(error), content_type=LINES.content_type)
        return json_answer({"error": error}, 500)


def _why_not(dependencies: Dependencies, name: str) -> str:
    try:
        find(dependencies.catalog.value, name)
    except (BadRequest, UnknownModel):
        return f"model '{name}' not found"
    return NO_PUSH


async def _refused(error: str) -> AsyncIterator[bytes]:
    yield line({"status": "retrieving manifest"})
    yield line({"error": error})
