"""The shape of models_config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from attrs import evolve, field, frozen

from llama_runner.config.constraint import Text
from llama_runner.config.engine_flags import OWNED_FLAGS, EngineArgument, EngineFlag
from llama_runner.config.forms import JsonValue, Name, PathText
from llama_runner.config.keep_alive import KeepAlive
from llama_runner.config.larger_context import LargerContext
from llama_runner.config.setting import documented

__all__ = [
    "OWNED_FLAGS",
    "OWNED_REQUEST_FIELDS",
    "ModelConfig",
    "ModelDefaults",
    "ModelsConfig",
]

# What a request is about comes from the client, how it is carried from the relay.
OWNED_REQUEST_FIELDS = frozenset(
    {
        *("documents", "input", "messages", "model", "prompt", "query"),
        *("return_progress", "stream", "texts"),
    }
)

_FIELD_NAME = Text("the name of a request field", r"[^\u0000-\u0020]+")


@frozen
class RequestFieldName:
    """A field of a request body that may have a default."""

    expected: str = field(default=_FIELD_NAME.expected, init=False)
    secret: bool = field(default=False, init=False)

    def objection(self, value: Any) -> str | None:
        """Refuse what is no name and fields that only a client or the relay may set."""
        if value in OWNED_REQUEST_FIELDS:
            return "this request field cannot have a default; take it out"
        return _FIELD_NAME.objection(value)

    def schema(self) -> dict[str, Any]:
        """Return the pattern and the names that are refused."""
        return {
            "pattern": _FIELD_NAME.anchored,
            "not": {"enum": sorted(OWNED_REQUEST_FIELDS)},
        }


RequestField = Annotated[str, RequestFieldName()]

_PARAMETERS = documented(
    "llama-server's own long flags without dashes, such as `ctx-size` or `parallel`; `true` passes "
    "a flag alone, `false` its `--no-` form or nothing. Flags that the program sets are refused."
)
_REQUEST_DEFAULTS = documented(
    "Fields such as `temperature` that are added to a request which does not have them."
)


@frozen(kw_only=True)
class ModelDefaults:
    """What holds for every model that does not say otherwise."""

    parameters: Mapping[EngineFlag, EngineArgument] = field(factory=dict, metadata=_PARAMETERS)
    request_defaults: Mapping[RequestField, JsonValue] = field(
        factory=dict, metadata=_REQUEST_DEFAULTS
    )


@frozen(kw_only=True)
class ModelConfig:
    """How one model is found, named and launched."""

    path: PathText | None = field(
        default=None,
        metadata=documented(
            "The model's GGUF file, the first one of several parts; null for a model that is "
            "found in the models folders."
        ),
    )
    aliases: tuple[Name, ...] = field(
        default=(), metadata=documented("Further names by which clients may ask for the model.")
    )
    mmproj: PathText | None = field(
        default=None,
        metadata=documented(
            "The model's multimodal projector; null takes the one found beside the model, an "
            "empty text takes none."
        ),
    )
    parameters: Mapping[EngineFlag, EngineArgument] = field(factory=dict, metadata=_PARAMETERS)
    request_defaults: Mapping[RequestField, JsonValue] = field(
        factory=dict, metadata=_REQUEST_DEFAULTS
    )
    hidden: bool = field(
        default=False,
        metadata=documented("Whether the model is left out of lists; it is served all the same."),
    )
    keep_alive: KeepAlive | None = field(
        default=None,
        metadata=documented(
            "Seconds the model stays loaded after its last request, or `forever`; null takes "
            "`scheduling.keep_alive` of app_config.json."
        ),
    )
    larger_context: LargerContext | None = field(
        default=None,
        metadata=documented(
            "What is done where a client wants more context than the model has: `clamp`, `grow` "
            "or `refuse`; null takes `scheduling.larger_context` of app_config.json."
        ),
    )
    pinned: bool = field(
        default=False,
        metadata=documented("Whether the model, once loaded, stays so until the program ends."),
    )
    preload: bool = field(
        default=False,
        metadata=documented("Whether the model is loaded when the program starts, if it fits."),
    )
    fallbacks: tuple[Mapping[EngineFlag, EngineArgument], ...] = field(
        default=(),
        metadata=documented(
            "Parameters to change, one set after the other, each on top of those before, when the "
            "model runs out of memory as it loads. Without any it is never loaded otherwise than "
            "you say."
        ),
    )

    slot_archive: bool = field(
        default=True,
        metadata=documented(
            "Whether what the model has read of prompts is kept on disk while it is not loaded, "
            "where `slot_archive.enabled` of app_config.json says so."
        ),
    )

    def over(self, defaults: ModelDefaults) -> ModelConfig:
        """Return this configuration with the defaults filled in underneath."""
        return evolve(
            self,
            parameters={**defaults.parameters, **self.parameters},
            request_defaults={**defaults.request_defaults, **self.request_defaults},
        )


@frozen(kw_only=True)
class ModelsConfig:
    """models_config.json, whole and valid."""

    default_model: Name | None = field(
        default=None,
        metadata=documented("The model that serves requests which name none."),
    )
    defaults: ModelDefaults = field(
        factory=ModelDefaults,
        metadata=documented("What holds for every model that does not say otherwise."),
    )
    models: Mapping[Name, ModelConfig] = field(
        factory=dict,
        metadata=documented(
            "Models by key. Models found in the models folders need no entry; with one they take "
            "what it says."
        ),
    )

    def merged(self, key: str) -> ModelConfig:
        """Return what holds for a model: its entry, if any, over the defaults."""
        return self.models.get(key, ModelConfig()).over(self.defaults)
