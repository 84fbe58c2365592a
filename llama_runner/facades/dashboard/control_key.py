"""Who may control the program: the command line of the user who started it."""

from __future__ import annotations

import hmac

from quart import Response, request

from llama_runner.facades.dependencies import Dependencies
from llama_runner.facades.quart_app import json_response


def refused_control(dependencies: Dependencies) -> Response | None:
    """Return the refusal for a request without the control key; None for one with it."""
    given, expected = request.headers.get("Authorization", ""), f"Bearer {dependencies.control_key}"
    if hmac.compare_digest(given.encode(), expected.encode()):
        return None
    message = "only the command line of the user who started the program may do this"
    return json_response({"error": message, "code": "not_allowed", "status": 403}, 403)
