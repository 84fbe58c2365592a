"""The object ``options`` of a request, as the engine is told it.

Ollama's defaults are not the engine's, so every value is sent (Ollama's ``api/types.go``,
``DefaultOptions`` and ``FromMap``). What changes how a model is loaded is only checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_runner.errors import BadRequest
from llama_runner.facades.ollama.parameters import ollama_names

_WHOLE = "integer"
_FRACTION = "float32"
_KINDS: Mapping[str, str] = {
    **{name: _WHOLE for name in ("num_predict", "top_k", "repeat_last_n", "seed", "num_keep")},
    **{name: _WHOLE for name in ("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread")},
    **{name: _FRACTION for name in ("temperature", "top_p", "min_p", "typical_p")},
    **{name: _FRACTION for name in ("repeat_penalty", "presence_penalty", "frequency_penalty")},
    **{"draft_num_predict": _WHOLE, "use_mmap": "boolean", "stop": "array"},
}
_DEFAULTS: Mapping[str, Any] = {
    **{"num_predict": -1, "num_keep": 4, "temperature": 0.8, "top_k": 40, "top_p": 0.9},
    **{"min_p": 0.0, "typical_p": 1.0, "repeat_last_n": 64, "repeat_penalty": 1.0},
    **{"presence_penalty": 0.0, "frequency_penalty": 0.0},
}
_LOADING = ("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict")
_ENGINE: Mapping[str, str] = {"num_predict": "n_predict", "num_keep": "n_keep"}
"""What the engine calls otherwise."""

_EVERYTHING = 65_536
"""Tokens that are looked back at where all of a context of unknown length are wanted."""


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are known and not null, each of its type.

    Raises:
        BadRequest: one has another type; 500, as with Ollama.

    """
    known = {name: value for name, value in options.items() if name in _KINDS}
    return {name: _read(name, value) for name, value in known.items() if value is not None}


def engine_fields(
    options: Mapping[str, Any], request_defaults: Mapping[str, Any], context: int
) -> dict[str, Any]:
    """Return what the engine is told of ``options``.

    What neither they nor a model's ``request_defaults`` say is Ollama's default. One
    request has ``context`` tokens, 0 if that is not known.
    """
    configured = ollama_names(request_defaults)
    fields = {name: value for name, value in _DEFAULTS.items() if name not in configured}
    fields |= {name: value for name, value in options.items() if name not in _LOADING}
    fields.pop("use_mmap", None)
    if fields.get("num_predict", 0) < 0:
        fields["num_predict"] = -1
    if fields.get("repeat_last_n", 0) < 0:
        fields["repeat_last_n"] = context or _EVERYTHING
    if fields.get("num_keep", 0) < 0:
        fields["num_keep"] = -1
    return {_ENGINE.get(name, name): value for name, value in fields.items()}


def _read(name: str, value: Any) -> Any:
    kind = _KINDS[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == _WHOLE and number:
        return int(value)
    if kind == _FRACTION and number:
        return value
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "array" and isinstance(value, list):
        if all(isinstance(each, str) for each in value):
            return value
        raise BadRequest(f'option "{name}" must be of an array of strings', status=500)
    raise BadRequest(f'option "{name}" must be of type {kind}', status=500)
