"""Which store a model is from, and what that store says of it beside its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from llama_runner.config.other_stores import HUGGING_FACE, LM_STUDIO, OLLAMA

__all__ = ["HUGGING_FACE", "LM_STUDIO", "MODELS", "OLLAMA", "Origin"]

MODELS: Final = "models"


@frozen(kw_only=True)
class Origin:
    """Where a model is from; what only some stores know is empty elsewhere.

    ``names`` are those by which its store knows it, the one to list first.
    ``digest`` is 64 hexadecimal digits, ``size`` the bytes of all its layers,
    and it was ``modified_ns`` nanoseconds after 1970 that the store changed it.
    ``parameters`` have Ollama's names.
    """

    store: str = MODELS
    names: tuple[str, ...] = ()
    digest: str | None = None
    size: int = 0
    modified_ns: int | None = None
    system: str = ""
    template: str = ""
    license: str = ""
    parameters: Mapping[str, Any] = field(factory=dict)
    messages: tuple[Mapping[str, Any], ...] = ()
    adapters: tuple[str, ...] = ()
    chat_template: str = ""
    """In Jinja; one that was chosen for the model, in place of its file's."""

    @property
    def is_kept(self) -> bool:
        """Whether it lies in our own store, with a manifest."""
        return self.store == MODELS and self.digest is not None

    @property
    def speaks(self) -> bool:
        """Whether it says more than the files of the model do."""
        return bool(self.system or self.messages or self.adapters)

    @property
    def context(self) -> int | None:
        """The tokens of context that a request has where nobody says otherwise, if it tells."""
        tokens = self.parameters.get("num_ctx")
        return tokens if type(tokens) is int and tokens > 0 else None

    @property
    def engine_parameters(self) -> dict[str, str]:
        """What is said to the engine at its start."""
        told = {"lora": ",".join(self.adapters), "chat-template": self.chat_template}
        return {flag: value for flag, value in told.items() if value}

    @property
    def request_defaults(self) -> dict[str, Any]:
        """The parameters that a request may have, by the engine's names."""
        return {
            _ENGINE.get(name, name): value
            for name, value in self.parameters.items()
            if name in _OF_REQUESTS and _fits(name, value)
        }


def messages_in(said: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the messages of a list, as far as they are any: their roles and texts."""
    each = said if isinstance(said, list) else []
    return tuple({name: one[name] for name in _MESSAGE} for one in each if _is_message(one))


def _is_message(one: Any) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(name), str) for name in _MESSAGE)


_MESSAGE = ("role", "content")
_ENGINE: Mapping[str, str] = {"num_predict": "n_predict", "num_keep": "n_keep"}
_OF_REQUESTS = frozenset(
    {
        *("temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n", "num_keep"),
        *("repeat_penalty", "presence_penalty", "frequency_penalty", "seed", "stop", "num_predict"),
    }
)
_LEAST: Mapping[str, int] = {"num_predict": -1, "num_keep": -1, "repeat_last_n": 0}


def _fits(name: str, value: Any) -> bool:
    """Tell whether the engine takes a value; what it does not is its own default."""
    if name == "stop":
        return isinstance(value, list) and all(isinstance(text, str) for text in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(value >= _LEAST[name]) if name in _LEAST else True
