"""OpenAI's routes that are answered without an engine, and its errors, for a Quart app."""

from __future__ import annotations

from quart import Response
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.openai.errors import OpenAIError, to_openai
from llama_runner.facades.openai.models import list_fields, model_fields
from llama_runner.facades.quart_app import json_response

INTERNAL = "internal error; the log has the details"


def add_model_routes(app: QuartTrio, dependencies: Dependencies) -> None:
    """Serve the catalog as OpenAI lists models."""

    @app.get("/v1/models")
    async def models() -> Response:
        return json_response(list_fields(dependencies.catalog.value, dependencies.started))

    @app.get("/v1/models/<path:name>")
    async def model(name: str) -> Response:
        found = dependencies.catalog.value.resolve(name)
        return json_response(model_fields(found, dependencies.started))


def add_error_handlers(app: QuartTrio) -> None:
    """Answer every error in OpenAI's shape."""

    @app.errorhandler(LlamaRunnerError)
    async def expected(error: LlamaRunnerError) -> Response:
        return error_answer(error)

    @app.errorhandler(HTTPException)
    async def refused(error: HTTPException) -> Response:
        status = error.code or 500
        return json_response(OpenAIError(status, error.description or "").fields(), status)

    @app.errorhandler(Exception)
    async def failed(error: Exception) -> Response:
        app.logger.error("a request failed", exc_info=error)
        return failure_answer()


def error_answer(error: LlamaRunnerError) -> Response:
    """Return the answer that says what is wrong."""
    worded = to_openai(error)
    return json_response(worded.fields(), worded.status)


def failure_answer() -> Response:
    """Return the answer to what failed for a fault of our own."""
    return json_response(OpenAIError(500, INTERNAL, "server_error").fields(), 500)
