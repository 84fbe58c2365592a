"""LM Studio's port: what is not relayed."""

from __future__ import annotations

from quart import Response, has_request_context
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.openai.quart_routes import add_error_handlers, add_model_routes
from llama_runner.facades.quart_app import asked, json_response, make_app


def build_app(dependencies: Dependencies) -> QuartTrio:
    """Return the application behind LM Studio's port."""
    app = make_app("lmstudio")
    add_model_routes(app, dependencies)
    add_error_handlers(app)

    @app.get("/lmstudio-greeting")
    async def greeting() -> Response:
        # Its clients look for exactly this before they believe that LM Studio listens.
        return Response('{"lmstudio":true}', mimetype="application/json")

    @app.errorhandler(NotFound)
    @app.errorhandler(MethodNotAllowed)
    async def unknown(_: HTTPException) -> Response:
        # LM Studio answers 200 here, and programs tell it from others by that.
        status = 200 if has_request_context() else 404
        return json_response({"error": f"Unexpected endpoint or method. ({asked()})"}, status)

    return app
