"""Our errors as the dashboard's API words them."""

from __future__ import annotations

import orjson

from llama_runner.errors import (
    BadRequest,
    CapacityError,
    CircuitOpen,
    LlamaRunnerError,
    ModelTooLarge,
    RunnerError,
    ShuttingDown,
    UnknownModel,
)


def refusal(status: int, message: str, code: str | None, _path: str) -> bytes:
    """Return the body for a request that was turned away before it was understood."""
    return orjson.dumps({"error": message, "code": code, "status": status})


def status_of(error: LlamaRunnerError) -> int:
    """Return the HTTP status for one of our errors."""
    match error:
        case BadRequest():
            return error.status
        case UnknownModel():
            return 404
        case ModelTooLarge():
            return 400
        case CapacityError() | ShuttingDown() | CircuitOpen():
            return 503
        case RunnerError():
            return 500
        case _:
            return 400
