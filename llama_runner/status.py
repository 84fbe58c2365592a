"""The program's state in one JSON object, for the dashboard and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import llama_runner
from llama_runner.catalog.catalog import Catalog
from llama_runner.lending.described import described
from llama_runner.runner.engine import Engine
from llama_runner.runner_manager import RunnerManager
from llama_runner.scheduling.forecast import Forecast
from llama_runner.scheduling.ticket import Ticket


def status_fields(
    engine: Engine,
    addresses: Mapping[str, str | None],
    catalog: Catalog,
    runners: RunnerManager,
) -> dict[str, Any]:
    """Return what serves, where, and which models are loaded."""
    return {
        "pid": os.getpid(),
        "version": llama_runner.__version__,
        "engine": engine.description,
        "listeners": dict(addresses),
        "queued": runners.queued,
        "waiting": [_wait(ticket, expected) for ticket, expected in runners.prospects.waiting()],
        "models": [_model(key, runners) for key in catalog.models],
    }


def _wait(ticket: Ticket, expected: Forecast) -> dict[str, Any]:
    """Return one wait; if it is ``open``, an answer of unknown length comes on top."""
    seconds = round(expected.seconds, 1)
    return {
        "model": ticket.model,
        "client": ticket.client,
        "seconds": seconds,
        "open": expected.open,
    }


def _model(key: str, runners: RunnerManager) -> dict[str, Any]:
    found = runners.residents.get(key)
    if found is None:
        failed = runners.planner.circuits.told(key)
        name, detail = ("not loaded", "") if failed is None else ("failed to start", failed.cause)
        return {"key": key, "state": name, "detail": detail, "serving": 0}
    resident, state = found
    name, detail = described(state)
    detail = detail or runners.planner.note(key)
    return {"key": key, "state": name, "detail": detail, "serving": resident.leases}
