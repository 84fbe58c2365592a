"""Models loaded, unloaded and pinned over the dashboard's port."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import orjson
from quart import Response, request
from quart_trio import QuartTrio

from llama_runner.errors import BadRequest
from llama_runner.facades.dashboard.control_key import refused_control
from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.quart_app import asked, json_response

logger = logging.getLogger(__name__)

COMMAND_LINE = "the command line"
"""Who asks, among the clients that take turns."""

T = TypeVar("T")


def add_model_routes(app: QuartTrio, dependencies: Dependencies) -> None:
    """Add the routes below ``/api/models``; all that change something need the control key."""

    def refused() -> Response | None:
        denied = refused_control(dependencies)
        if denied is None:
            logger.info("asked by the command line: %s", asked())
        return denied

    @app.get("/api/models/outlook")
    async def outlook() -> Response:
        return json_response(dependencies.models.outlook(_given(dict(request.args), "model", str)))

    @app.post("/api/models/load")
    async def load() -> Response:
        if (denied := refused()) is not None:
            return denied
        name = _given(await _fields(), "model", str)
        return json_response(
            {"model": await dependencies.models.load(name, COMMAND_LINE), "loaded": True}
        )

    @app.post("/api/models/unload")
    async def unload() -> Response:
        if (denied := refused()) is not None:
            return denied
        name = _given(await _fields(), "model", str)
        return json_response({"model": name, "was_loaded": await dependencies.models.unload(name)})

    @app.post("/api/models/pin")
    async def pin() -> Response:
        if (denied := refused()) is not None:
            return denied
        fields = await _fields()
        name, pinned = _given(fields, "model", str), _given(fields, "pinned", bool)
        return json_response(
            {"model": dependencies.models.pin(name, pinned=pinned), "pinned": pinned}
        )


async def _fields() -> dict[str, Any]:
    try:
        fields = orjson.loads(await request.get_data())
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from None
    if not isinstance(fields, dict):
        raise BadRequest("the body: expected a JSON object")
    return fields


def _given(fields: dict[str, Any], name: str, wanted: type[T]) -> T:
    value = fields.get(name)
    if not isinstance(value, wanted) or value == "":
        expected = "true or false" if wanted is bool else "the name of a model"
        raise BadRequest(f"{name}: expected {expected}, got {value!r}")
    return value
