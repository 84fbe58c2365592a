"""Ollama's port: what is not relayed.

Only what a client needs to find the OpenAI routes on this port; Ollama's own
API is not spoken yet, and every other path says so.
"""

from __future__ import annotations

from quart import Response
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.openai.quart_routes import add_error_handlers, add_model_routes
from llama_runner.facades.quart_app import asked, json_response, make_app


def build_app(dependencies: Dependencies) -> QuartTrio:
    """Return the application behind Ollama's port."""
    app = make_app("ollama")
    add_model_routes(app, dependencies)
    add_error_handlers(app)

    @app.route("/", methods=["GET", "HEAD"])
    async def root() -> Response:
        return Response("Ollama is running", mimetype="text/plain")

    @app.errorhandler(NotFound)
    @app.errorhandler(MethodNotAllowed)
    async def unknown(error: HTTPException) -> Response:
        message = f"{asked()} is not served here; the OpenAI routes are"
        return json_response({"error": message}, error.code or 404)

    return app
