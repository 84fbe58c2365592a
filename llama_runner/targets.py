"""What stands behind a model's name in a request: the spec to queue for, and what it can do."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from llama_runner.catalog.catalog import Catalog, CatalogModel
from llama_runner.concurrency.watched import Watched
from llama_runner.errors import BadRequest
from llama_runner.lending.model_spec import ModelSpec
from llama_runner.lending.tasks import tasks_of
from llama_runner.relay.target import Target
from llama_runner.runner.context import context_of

REMEMBERED = 1024
"""Names that are remembered; a client may think of any number that lead to one model."""


@define(eq=False)
class Targets:
    """Finds the target of a name, and remembers it for as long as the catalog is the same."""

    _catalog: Watched[Catalog]
    _spec_of: Callable[[CatalogModel], ModelSpec]
    _known: dict[str, Target] = field(factory=dict, init=False)
    _known_of: Catalog | None = field(default=None, init=False)

    def resolve(self, name: str) -> Target:
        """Return what ``name`` stands for; an empty one stands for the default model.

        Raises:
            UnknownModel: no model has this name.
            BadRequest: no name was given and no model is the default.

        """
        catalog = self._catalog.value
        if catalog is not self._known_of or len(self._known) >= REMEMBERED:
            self._known, self._known_of = {}, catalog
        target = self._known.get(name)
        if target is None:
            target = self._known[name] = self._found(catalog, name)
        return target

    def _found(self, catalog: Catalog, name: str) -> Target:
        model = catalog.resolve(name) if name else _default(catalog)
        spec = self._spec_of(model)
        return Target(
            model.key,
            spec,
            model.config.request_defaults,
            tasks_of(model),
            model.capabilities,
            context_of(model),
            model.card.origin.system,
            model.card.origin.messages,
        )


def _default(catalog: Catalog) -> CatalogModel:
    if catalog.default is not None:
        return catalog.default
    if len(catalog.models) == 1:
        return next(iter(catalog.models.values()))
    known = ", ".join(catalog.models) or "none"
    message = f"'model' is missing; expected one of: {known}"
    raise BadRequest(message, param="model", code="missing_required_parameter")
