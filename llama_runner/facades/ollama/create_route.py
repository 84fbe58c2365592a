"""Ollama's route that makes a model of another one, or of files that were sent."""

from __future__ import annotations

from quart import Response, request
from quart_trio import QuartTrio

from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.create_request import read_create_request
from llama_runner.facades.ollama.creating import Creation
from llama_runner.facades.ollama.dialect import LINES
from llama_runner.facades.quart_app import json_response


def add_create_route(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve the making of models."""

    @app.post("/api/create")
    async def create() -> Response:
        asked = read_create_request(await request.body)
        creation = await Creation(dependencies, asked).checked()
        if asked.streams:
            return Response(creation, content_type=LINES.content_type)
        return json_response(await creation.last_step())
