"""The program's state in one JSON object, for the dashboard and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import trio

import llama_runner
from llama_runner.catalog.catalog import Catalog, CatalogModel
from llama_runner.lending.described import described
from llama_runner.lending.slot_archive import SlotArchive
from llama_runner.runner.engine import Engine
from llama_runner.runner_manager import RunnerManager
from llama_runner.scheduling.forecast import Forecast
from llama_runner.scheduling.resident import Resident
from llama_runner.scheduling.ticket import Ticket


def status_fields(
    engine: Engine,
    addresses: Mapping[str, str | None],
    catalog: Catalog,
    runners: RunnerManager,
    archive: SlotArchive,
) -> dict[str, Any]:
    """Return what serves, where, and which models are loaded."""
    return {
        "pid": os.getpid(),
        "version": llama_runner.__version__,
        "engine": engine.description,
        "listeners": dict(addresses),
        "queued": len(runners.line),
        "waiting": [_wait(ticket, expected) for ticket, expected in runners.prospects.waiting()],
        "models": [_model(model, runners, archive) for model in catalog.models.values()],
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


def _model(model: CatalogModel, runners: RunnerManager, archive: SlotArchive) -> dict[str, Any]:
    seat, serving = runners.seat(model.key), 0
    if seat is not None:
        (name, detail), serving = described(seat.runner.state.value), seat.leases
        # What is different about it than configured, for want of memory or of context.
        detail = detail or seat.spec.note
    else:
        failed = runners.planner.circuits.told(model.key)
        name, detail = ("not loaded", "") if failed is None else ("failed to start", failed.cause)
    fields = {
        "key": model.key,
        "state": name,
        "detail": detail,
        "serving": serving,
        "slot_archive": dict(zip(("state", "detail"), archive.described(model), strict=True)),
    }
    return fields if seat is None else {**fields, **_resident(seat.resident)}


def _resident(resident: Resident) -> dict[str, Any]:
    """Return what is told of a model only while it is loaded."""
    left = resident.expires_in(trio.current_time())
    return {
        "slots": resident.slots,
        "memory": dict(resident.footprint.by_device),
        "pinned": resident.pinned,
        "expires_in": left if left is None else round(left, 1),
    }
