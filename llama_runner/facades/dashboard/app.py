"""The dashboard's port: the program's state, live, and its control by the same user."""

from __future__ import annotations

import logging

from quart import Response, websocket
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from llama_runner.errors import LlamaRunnerError
from llama_runner.facades.dashboard.control_key import refused_control
from llama_runner.facades.dashboard.errors import status_of
from llama_runner.facades.dashboard.model_routes import add_model_routes
from llama_runner.facades.dashboard.page import PAGE
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.quart_app import asked, json_response, make_app
from llama_runner.websocket_manager import serve_session

logger = logging.getLogger(__name__)


def build_app(dependencies: Dependencies) -> QuartTrio:
    """Return the application behind the dashboard's port."""
    app = make_app("dashboard")
    _add_error_handlers(app)

    @app.get("/")
    async def index() -> Response:
        return Response(PAGE, mimetype="text/html")

    @app.get("/api/status")
    async def status() -> Response:
        return json_response(dependencies.status())

    @app.get("/api/timeline")
    async def timeline() -> Response:
        return json_response(dependencies.timeline())

    @app.post("/api/stop")
    async def stop() -> Response:
        denied = refused_control(dependencies)
        if denied is not None:
            return denied
        logger.info("stopping (%s)", asked())
        dependencies.stop.request()
        return json_response({"stopping": True}, 202)

    add_model_routes(app, dependencies)

    @app.websocket("/api/events")
    async def events() -> None:
        await serve_session(
            websocket, dependencies.events, dependencies.stop, dependencies.status()
        )

    return app


def _add_error_handlers(app: QuartTrio) -> None:
    @app.errorhandler(LlamaRunnerError)
    async def expected(error: LlamaRunnerError) -> Response:
        status = status_of(error)
        return json_response({"error": str(error), "code": None, "status": status}, status)

    @app.errorhandler(HTTPException)
    async def refused(error: HTTPException) -> Response:
        fields = {"error": error.description, "code": None, "status": error.code}
        return json_response(fields, error.code or 500)

    @app.errorhandler(Exception)
    async def failed(error: Exception) -> Response:
        app.logger.error("a request failed", exc_info=error)
        message = "internal error; the log has the details"
        return json_response({"error": message, "code": None, "status": 500}, 500)
