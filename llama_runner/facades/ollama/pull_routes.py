"""Ollama's route that fetches a model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType

from attrs import define, field
from quart import Response, request
from quart.wrappers.response import ResponseBody
from quart_trio import QuartTrio

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.dialect import LINES
from llama_runner.facades.ollama.errors import to_ollama
from llama_runner.facades.ollama.go_json import Struct
from llama_runner.facades.ollama.line import line
from llama_runner.facades.quart_app import json_response
from llama_runner.store.pull_name import PullName, read_pull_name
from llama_runner.store.pulls import Pull, Pulls

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
        insecure = asked.get("insecure", False)
        if asked.get("stream", True):
            body = PullBody(dependencies.pulls, name, insecure)
            return Response(body, content_type=LINES.content_type)
        joined = await dependencies.pulls.join(name, insecure=insecure)
        try:
            await joined.ended.wait()
        finally:
            dependencies.pulls.leave(joined)
        if joined.failure is not None:
            raise joined.failure
        return json_response(joined.log.steps[-1])


@define(eq=False)
class PullBody(ResponseBody):
    """The steps as lines; who sends it takes part in the pull for as long, and no longer."""

    _pulls: Pulls
    _name: PullName
    _insecure: bool
    _pull: Pull | None = field(default=None, init=False)
    _failure: LlamaRunnerError | None = field(default=None, init=False)

    async def __aenter__(self) -> PullBody:
        try:
            self._pull = await self._pulls.join(self._name, insecure=self._insecure)
        except LlamaRunnerError as error:
            self._failure = error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pull is not None:
            self._pulls.leave(self._pull)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._pull is not None:
            async for step in self._pull.log.follow():
                yield line(step)
            self._failure = self._pull.failure
        if self._failure is not None:
            yield line({"error": to_ollama(self._failure).message})
