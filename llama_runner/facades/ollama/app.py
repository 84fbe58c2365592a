"""Ollama's port: what is not relayed."""

from __future__ import annotations

from quart import Response
from quart_trio import QuartTrio

from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.ollama.account_routes import add_account_routes
from llama_runner.facades.ollama.blob_routes import add_blob_route
from llama_runner.facades.ollama.create_route import add_create_route
from llama_runner.facades.ollama.error_answers import add_error_handlers
from llama_runner.facades.ollama.json_answer import TEXT, json_answer
from llama_runner.facades.ollama.managing_routes import add_managing_routes
from llama_runner.facades.ollama.model_routes import add_model_routes
from llama_runner.facades.ollama.pull_routes import add_pull_route
from llama_runner.facades.openai.quart_routes import add_model_routes as add_openai_routes
from llama_runner.facades.quart_app import make_app

API_VERSION = "0.33.0"
"""The version of Ollama whose API this is; clients ask for numbers alone, and for a new one."""


def build_app(dependencies: Dependencies) -> QuartTrio:
    """Return the application behind Ollama's port."""
    app = make_app("ollama")
    add_openai_routes(app, dependencies)
    add_error_handlers(app)
    add_model_routes(app, dependencies)
    add_pull_route(app, dependencies)
    add_managing_routes(app, dependencies)
    add_blob_route(app, dependencies)
    add_create_route(app, dependencies)
    add_account_routes(app, dependencies)

    @app.get("/")
    async def root() -> Response:
        return Response("Ollama is running", content_type=TEXT)

    @app.get("/api/version")
    async def version() -> Response:
        return json_answer({"version": API_VERSION})

    @app.get("/api/status")
    async def status() -> Response:
        # There is no cloud behind this program, and so none that could be turned on.
        return json_answer({"cloud": {"disabled": True, "source": "config"}})

    @app.get("/api/experimental/model-recommendations")
    async def recommendations() -> Response:
        return json_answer({"recommendations": []})

    return app
