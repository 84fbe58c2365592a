"""Ollama's route that fetches a model."""

from __future__ import annotations

from collections.abc import AsyncIterator

from attrs import define
from quart import Response, request
from quart_trio import QuartTrio

from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.dialect import LINES
from llama_runner.facades.ollama.go_json import Struct
from llama_runner.facades.ollama.steps_body import Step, StepsBody
from llama_runner.facades.quart_app import json_response
from llama_runner.store.pull_name import PullName, read_pull_name

PULL_REQUEST = Struct(
    "PullRequest",
    {"model": "string", "name": "string", "insecure": "bool", "stream": "bool"},
)


def add_pull_route(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve the fetching of models."""

    @app.post("/api/pull")
    async def pull() -> Response:
        asked = PULL_REQUEST.read(await request.body)
        name = read_pull_name(asked.get("model") or asked.get("name") or "")
        body = PullBody(dependencies, name, insecure=asked.get("insecure", False))
        if asked.get("stream", True):
            return Response(body, content_type=LINES.content_type)
        return json_response(await body.last_step())


@define(eq=False)
class PullBody(StepsBody):
    """One model being fetched."""

    _name: PullName
    _insecure: bool

    def steps(self) -> AsyncIterator[Step]:
        """Fetch the model."""
        return self.pulled(self._name, insecure=self._insecure)
