"""What a model can be asked for."""

from __future__ import annotations

from llama_runner.catalog.card import ModelKind
from llama_runner.catalog.catalog import CatalogModel
from llama_runner.relay.relay_request import Task
from llama_runner.runner.flags import canonical


def tasks_of(model: CatalogModel) -> tuple[Task, ...]:
    """Return what the engine will do for this model; it is launched for one purpose."""
    chosen = canonical(model.config.parameters)
    if model.card.kind is ModelKind.RERANK or chosen.get("rerank"):
        return (Task.RERANK,)
    if model.card.kind is ModelKind.EMBEDDING or chosen.get("embedding"):
        return (Task.EMBEDDING,)
    return tuple(task for task in Task if task.generates)
