"""The immutable index of all models: resolves any name a client may use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from attrs import evolve, field, frozen

from llama_runner.catalog.card import ModelCard, ModelKind, template_capabilities
from llama_runner.catalog.found_file import absolute
from llama_runner.catalog.names import (
    ModelKey,
    by_likeness,
    exact_names,
    keys_of,
    loose_names,
    normalise,
)
from llama_runner.config.models import ModelConfig, ModelDefaults, ModelsConfig
from llama_runner.errors import UnknownModel, shortened

_Index: TypeAlias = Mapping[str, tuple[ModelKey, ...]]


class AmbiguousName(UnknownModel):
    """A name fits several models; ``known`` holds the keys of those."""

    def __init__(self, name: str, candidates: tuple[str, ...]) -> None:
        super().__init__(name, candidates)
        self.args = (f"{shortened(name)!r} may mean any of these models: {', '.join(candidates)}",)


@frozen(kw_only=True)
class CatalogModel:
    """A model with what the configuration says of it, defaults included."""

    key: ModelKey
    card: ModelCard
    config: ModelConfig

    @property
    def aliases(self) -> tuple[str, ...]:
        """The further names that the configuration gives it."""
        return self.config.aliases

    @property
    def chat_template(self) -> str | None:
        """The template that a chat goes through: the configured one, else the model's own."""
        chosen = self.config.parameters.get("chat-template")
        # The engine has some of its own, which are chosen by a name.
        return chosen if isinstance(chosen, str) and "{" in chosen else self.card.chat_template

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do, with the template that it has here."""
        card, template = self.card, self.chat_template
        if template is card.chat_template or card.kind is not ModelKind.CHAT:
            return card.capabilities
        return card.capabilities - {"tools", "thinking"} | template_capabilities(template)

    @property
    def fallback(self) -> CatalogModel | None:
        """The same model as it is to be launched next when this runs out of memory, if at all."""
        if not self.config.fallbacks:
            return None
        changed, *others = self.config.fallbacks
        parameters = {**self.config.parameters, **changed}
        return evolve(
            self, config=evolve(self.config, parameters=parameters, fallbacks=tuple(others))
        )


@frozen(kw_only=True)
class Catalog:
    """All models by key; replaced whole when files or configuration change.

    ``problems`` are what the configuration says of models that cannot be
    done; the rest of it holds all the same.
    """

    models: Mapping[ModelKey, CatalogModel] = field(factory=dict)
    default: CatalogModel | None = None
    problems: tuple[str, ...] = ()
    _indexes: tuple[_Index, ...] = field(default=(), repr=False)

    @property
    def listed(self) -> tuple[CatalogModel, ...]:
        """The models that are shown in lists."""
        return tuple(model for model in self.models.values() if not model.config.hidden)

    def resolve(self, name: str) -> CatalogModel:
        """Return the model that ``name`` means.

        Raises:
            UnknownModel: no model answers to the name, or more than one does.
        """
        wanted = normalise(name)
        for index in self._indexes:
            keys = index.get(wanted, ())
            if len(keys) == 1:
                return self.models[keys[0]]
            if keys:
                raise AmbiguousName(name, keys)
        raise UnknownModel(name, by_likeness(name, (model.key for model in self.listed)))


def configured_files(configured: ModelsConfig) -> tuple[Path, ...]:
    """Return the files that the configuration names, for the scan to look at."""
    return tuple(Path(entry.path) for entry in configured.models.values() if entry.path)


def build_catalog(cards: Sequence[ModelCard], configured: ModelsConfig) -> Catalog:
    """Bring together what was found on disk and what is configured."""
    found = _catalog(_discovered(cards, configured, taken=()) if configured.models else ())
    models: dict[str, CatalogModel] = {}
    problems: list[str] = []
    for name, entry in configured.models.items():
        try:
            if normalise(name) in models:
                raise _Problem("another entry has the same name")
            models[normalise(name)] = _configured(name, entry, cards, found, configured)
        except (_Problem, AmbiguousName) as error:
            problems.append(f"models.{name}: {error}")
    claimed = {(model.card.path, model.card.origin.digest) for model in models.values()}
    rest = [card for card in cards if (card.path, card.origin.digest) not in claimed]
    catalog = _catalog([*models.values(), *_discovered(rest, configured, taken=models)])
    return _with_default(evolve(catalog, problems=(*problems, *_contested(catalog))), configured)


class _Problem(Exception):
    """An entry of the configuration cannot be followed."""


def _configured(
    name: str,
    entry: ModelConfig,
    cards: Sequence[ModelCard],
    found: Catalog,
    configured: ModelsConfig,
) -> CatalogModel:
    if entry.path:
        wanted = absolute(Path(entry.path))
        card = next((card for card in cards if card.path == wanted), None)
        if card is None:
            raise _Problem(f"there is no usable model at {entry.path}")
    else:
        card = _found_by_name(name, found)
    if entry.mmproj is not None:
        card = _with_projector(card, entry.mmproj)
    return CatalogModel(key=ModelKey(name), card=card, config=_settled(entry, card, configured))


def _settled(entry: ModelConfig, card: ModelCard, configured: ModelsConfig) -> ModelConfig:
    """Return an entry over what the model's store says of it, over what holds for all."""
    said = ModelDefaults(
        parameters=card.origin.engine_parameters, request_defaults=card.origin.request_defaults
    )
    return entry.over(said).over(configured.defaults)


def _found_by_name(name: str, found: Catalog) -> ModelCard:
    try:
        return found.resolve(name).card
    except AmbiguousName:
        raise
    except UnknownModel:
        raise _Problem("it has no path, and no model of this name was found") from None


def _with_projector(card: ModelCard, path: str) -> ModelCard:
    if path and card.kind is ModelKind.CHAT:
        vision = card.capabilities | {"vision"}
        return evolve(card, mmproj=absolute(Path(path)), projector=None, capabilities=vision)
    blind = card.capabilities - {"vision"}
    return evolve(card, mmproj=None, projector=None, capabilities=blind)


def _discovered(
    cards: Sequence[ModelCard], configured: ModelsConfig, taken: Collection[str]
) -> list[CatalogModel]:
    keys = keys_of(cards, taken)
    return [
        CatalogModel(key=key, card=card, config=_settled(ModelConfig(), card, configured))
        for key, card in zip(keys, cards, strict=True)
    ]


def _catalog(models: Iterable[CatalogModel]) -> Catalog:
    ordered = sorted(models, key=lambda model: normalise(model.key))
    # A name of an earlier kind hides the same name of a later one.
    kinds: tuple[Callable[[CatalogModel], Iterable[str]], ...] = (
        lambda model: [normalise(model.key)],
        lambda model: [normalise(alias) for alias in model.aliases],
        lambda model: exact_names(model.card),
        lambda model: loose_names(model.card),
    )
    return Catalog(
        models={model.key: model for model in ordered},
        indexes=tuple(_index(ordered, names) for names in kinds),
    )


def _index(
    models: Iterable[CatalogModel], names: Callable[[CatalogModel], Iterable[str]]
) -> _Index:
    index: dict[str, list[ModelKey]] = defaultdict(list)
    for model in models:
        for name in set(names(model)):
            index[name].append(model.key)
    return {name: tuple(keys) for name, keys in index.items()}


def _contested(catalog: Catalog) -> Iterator[str]:
    """Tell of aliases that do not lead to their model."""
    for model in catalog.models.values():
        for alias in model.aliases:
            try:
                reached = catalog.resolve(alias).key
            except AmbiguousName as error:
                yield f"models.{model.key}.aliases: {error}"
            else:
                if reached != model.key:
                    yield f"models.{model.key}.aliases: {alias!r} is the name of {reached}"


def _with_default(catalog: Catalog, configured: ModelsConfig) -> Catalog:
    if configured.default_model is None:
        return catalog
    try:
        return evolve(catalog, default=catalog.resolve(configured.default_model))
    except UnknownModel as error:
        return evolve(catalog, problems=(*catalog.problems, f"default_model: {error}"))
