"""Errors of Ollama's port: in Ollama's words, on OpenAI's routes in OpenAI's."""

from __future__ import annotations

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.ollama.errors import speaks_openai, to_ollama
from llama_runner.facades.ollama.json_answer import TEXT, json_answer
from llama_runner.facades.openai.quart_routes import INTERNAL, error_answer, failure_answer


def add_error_handlers(app: QuartTrio) -> None:
    """Answer every error as Ollama does."""

    @app.errorhandler(LlamaRunnerError)
    async def expected(error: LlamaRunnerError) -> Response:
        if speaks_openai(request.path):
            return error_answer(error)
        worded = to_ollama(error)
        return json_answer({"error": worded.message}, worded.status)

    @app.errorhandler(NotFound)
    async def unknown(_: NotFound) -> Response:
        return Response("404 page not found", 404, content_type=TEXT)

    @app.errorhandler(MethodNotAllowed)
    async def not_allowed(error: MethodNotAllowed) -> Response:
        answer = Response("405 method not allowed", 405, content_type=TEXT)
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return answer

    @app.errorhandler(HTTPException)
    async def refused(error: HTTPException) -> Response:
        return json_answer({"error": error.description}, error.code or 500)

    @app.errorhandler(Exception)
    async def failed(error: Exception) -> Response:
        app.logger.error("a request failed", exc_info=error)
        return (
            failure_answer()
            if speaks_openai(request.path)
            else json_answer({"error": INTERNAL}, 500)
        )
