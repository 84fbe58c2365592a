"""Ollama's routes that tell of models; none loads one, or has one stay longer."""

from __future__ import annotations

import time

from quart import Response, request
from quart_trio import QuartTrio

from llama_runner.errors import BadRequest, UnknownModel
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.details import changed_ns, listed
from llama_runner.facades.ollama.headers import headers_of
from llama_runner.facades.ollama.json_answer import json_answer
from llama_runner.facades.ollama.loaded import loaded_fields
from llama_runner.facades.ollama.names import find, tagged
from llama_runner.facades.ollama.showing import SHOW_REQUEST, show_fields


def add_model_routes(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve what the catalog holds and what is loaded, as Ollama lists it."""

    @app.get("/api/tags")
    async def tags() -> Response:
        models = dependencies.catalog.value.listed
        # The order of keys stays among those that were changed at the same time.
        newest = sorted(models, key=lambda model: changed_ns(model.card), reverse=True)
        context = dependencies.models.context
        return json_answer({"models": [listed(model, context(model.key)) for model in newest]})

    @app.get("/api/ps")
    async def loaded() -> Response:
        found = dependencies.models.loaded()
        return json_answer(loaded_fields(dependencies.catalog.value, found, time.time_ns()))

    @app.post("/api/show")
    async def show() -> Response:
        asked = SHOW_REQUEST.read(await request.body)
        name = asked.get("model") or asked.get("name")
        if not name:
            raise BadRequest("model is required")
        try:
            model = find(dependencies.catalog.value, name)
        except UnknownModel as error:
            error.name = tagged(name.strip())  # as this route alone tells it
            raise
        agent = request.headers.get("User-Agent", "")
        context = dependencies.models.context(model.key)
        headers = await headers_of(model.card)
        return json_answer(show_fields(model, headers, asked, agent, context))
