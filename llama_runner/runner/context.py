"""How many tokens one request to a model may have, prompt and answer together.

Clients fill what a model's card claims. The engine is started with less where the
configuration or our default says so, and everything beyond that would be refused: so
what is told is what a request really gets.
"""

from __future__ import annotations

from attrs import evolve

from llama_runner.catalog.catalog import CatalogModel
from llama_runner.errors import StartFailed
from llama_runner.runner.command import settings
from llama_runner.runner.flags import Scalar, canonical


def context_of(model: CatalogModel) -> int:
    """Return the tokens of one slot; 0 if neither header nor configuration tells."""
    trained = model.card.context_length
    try:
        chosen = settings(model.card, canonical(model.config.parameters))
    except StartFailed:
        return trained  # it will not start, and then says why
    each = int(chosen["ctx-size"]) // _sharing(chosen)
    if not each:
        return trained  # the engine takes the model's own
    return min(each, trained) if trained else each


def with_context(model: CatalogModel, tokens: int) -> CatalogModel:
    """Return a model as it is launched with so many tokens for each slot, and not otherwise.

    Raises:
        StartFailed: its parameters cannot be passed to an engine.

    """
    chosen = settings(model.card, canonical(model.config.parameters))
    whole = tokens * _sharing(chosen)
    parameters = {**model.config.parameters, "ctx-size": whole}
    return evolve(model, config=evolve(model.config, parameters=parameters, fallbacks=()))


def _sharing(chosen: dict[str, Scalar]) -> int:
    """Return into how many parts the engine divides its context."""
    return 1 if chosen.get("kv-unified") is True else int(chosen["parallel"])
