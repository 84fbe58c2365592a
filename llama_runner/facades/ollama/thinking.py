"""The field ``think``: whether, or how long, a model is to think before it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from llama_runner.errors import BadRequest, shortened
from llama_runner.relay.target import Target

LEVELS = ("low", "medium", "high", "max")
Think: TypeAlias = bool | str | None
"""A level, yes or no; None if nothing is said."""


def read_think(value: Any) -> Think:
    """Return what a request says.

    Raises:
        BadRequest: it is neither true, false nor a level.

    """
    if value is None or isinstance(value, bool) or value in LEVELS:
        wanted: Think = value
        return wanted
    levels = '"high", "medium", "low", "max", true, or false'
    if isinstance(value, str):
        raise BadRequest(f'invalid think value: "{shortened(value)}" (must be {levels})')
    raise BadRequest(f"think must be a boolean or string ({levels})")


def template_fields(think: Think, target: Target) -> Mapping[str, Any]:
    """Return what the engine is told: a model that can think does, unless it is told not to."""
    if "thinking" not in target.capabilities:
        return {}
    told = {**target.template_fields, "enable_thinking": think is not False}
    if not isinstance(think, str):
        return {"chat_template_kwargs": told}
    told["reasoning_effort"] = think
    return {"chat_template_kwargs": told, "reasoning_effort": think}
