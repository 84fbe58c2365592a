"""A Quart-Trio application without the defaults that do not suit us."""

from __future__ import annotations

from typing import Any

import orjson
from quart import Response, has_request_context, request, websocket
from quart_trio import QuartTrio


def make_app(name: str) -> QuartTrio:
    """Return an application that neither cuts streams nor measures bodies: the front does that."""
    app = QuartTrio(name, static_folder=None)
    app.config.update(RESPONSE_TIMEOUT=None, BODY_TIMEOUT=None, MAX_CONTENT_LENGTH=None)
    app.url_map.strict_slashes = False
    return app


def json_response(
    fields: Any, status: int = 200, content_type: str = "application/json"
) -> Response:
    """Return ``fields`` as a JSON answer."""
    return Response(orjson.dumps(fields), status, content_type=content_type)


def asked() -> str:
    """Return the method and path of what is being answered, be it a request or a handshake."""
    if has_request_context():
        return f"{request.method} {request.path}"
    return f"WEBSOCKET {websocket.path}"
