"""A model's parameters in Ollama's words, and as its modelfile lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from llama_runner.catalog.catalog import CatalogModel

_COLUMN = 30
_NAMES: Mapping[str, str] = {
    "max_tokens": "num_predict",
    "max_completion_tokens": "num_predict",
    "n_predict": "num_predict",
    **{
        name: name
        for name in (
            *("temperature", "top_k", "top_p", "min_p", "typical_p", "repeat_last_n"),
            *("repeat_penalty", "presence_penalty", "frequency_penalty", "seed", "stop"),
        )
    },
}
"""What a model's request defaults are called there."""


def parameters_of(model: CatalogModel, context: int) -> dict[str, Any]:
    """Return what the configuration says of each request, and its context if that is cut."""
    told = {
        _NAMES[name]: value
        for name, value in model.config.request_defaults.items()
        if name in _NAMES and value is not None
    }
    return {"num_ctx": context, **told} if context != model.card.context_length else told


def ollama_names(request_defaults: Mapping[str, Any]) -> set[str]:
    """Return the parameters that a model's request defaults set, by Ollama's names."""
    return {
        _NAMES[name]
        for name, value in request_defaults.items()
        if name in _NAMES and value is not None
    }


def parameter_lines(parameters: Mapping[str, Any]) -> list[str]:
    """Return one line for each value, its name padded to a column; Continue parses them."""
    return [f"{name:<{_COLUMN}} {value}" for name, value in _values(parameters)]


def modelfile_lines(parameters: Mapping[str, Any]) -> list[str]:
    """Return the lines of a modelfile that set these."""
    return [f"PARAMETER {name} {value}" for name, value in _values(parameters)]


def _values(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in parameters.items():
        for each in value if isinstance(value, list | tuple) else (value,):
            yield name, _written(each)


def _written(value: Any) -> str:
    """Return a value in Go's syntax, which for texts is JSON's."""
    return json.dumps(value, ensure_ascii=False)
