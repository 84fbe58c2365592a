"""``show``: what a model is and can do, as Ollama's command prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.ollama_port import OllamaPort, with_port
from llama_runner.errors import ConfigError
from llama_runner.platforms.console_text import ready_streams

PARTS = ("modelfile", "parameters", "system", "template", "license")
LINES = 2
"""Lines of a long text that a summary has."""

Row = tuple[str, ...]


def show(options: Options) -> ExitCode:
    """Print what a model is and can do, or one part of that.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model.
        ConfigError: more than one part is asked for.

    """
    parts = [part for part in PARTS if getattr(options, part)]
    if len(parts) > 1:
        named = " and ".join(f"--{part}" for part in parts)
        raise ConfigError("command line", (f"expected one of the parts, got {named}",))
    ready_streams()
    fields = shown(options)
    if options.json:
        print(json.dumps({part: fields.get(part, "") for part in parts} or fields))
    else:
        print(fields.get(parts[0], "") if parts else summary(fields))
    return ExitCode.NORMAL


def shown(options: Options) -> dict[str, Any]:
    """Return what ``/api/show`` tells of the model.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model.

    """

    async def ask(port: OllamaPort) -> Any:
        return await port.ask("POST", "/api/show", {"model": options.model})

    fields: dict[str, Any] = with_port(options, ask)
    return fields


def summary(fields: Mapping[str, Any]) -> str:
    """Return the answer of ``/api/show`` for people."""
    parameters: list[Row] = [tuple(line.split(None, 1)) for line in _lines(fields, "parameters")]
    sections: dict[str, list[Row]] = {
        "Model": list(_model_rows(fields)),
        "Projector": list(_projector_rows(fields.get("projector_info") or {})),
        "Capabilities": [(str(word),) for word in fields.get("capabilities") or ()],
        "Parameters": parameters,
        "System": [(line,) for line in _shortened(_lines(fields, "system"))],
        "License": [(line,) for line in _shortened(_lines(fields, "license"))],
    }
    return "\n\n".join(_section(name, rows) for name, rows in sections.items() if rows)


def _section(name: str, rows: list[Row]) -> str:
    width = max(len(row[0]) for row in rows)
    lines = ["    " + "    ".join((row[0].ljust(width), *row[1:])).rstrip() for row in rows]
    return "\n".join([f"  {name}", *lines])


def _model_rows(fields: Mapping[str, Any]) -> Iterator[Row]:
    info, details = fields.get("model_info") or {}, fields.get("details") or {}
    architecture = info.get("general.architecture") or details.get("family") or "unknown"
    yield "architecture", str(architecture)
    rows = {
        "parameters": details.get("parameter_size"),
        "context length": info.get(f"{architecture}.context_length"),
        "embedding length": info.get(f"{architecture}.embedding_length"),
        "quantization": details.get("quantization_level"),
    }
    yield from ((name, str(value)) for name, value in rows.items() if value)


def _projector_rows(info: Mapping[str, Any]) -> Iterator[Row]:
    for name, key in (
        ("architecture", "general.architecture"),
        ("parameters", "general.parameter_count"),
        ("embedding length", "clip.vision.embedding_length"),
        ("dimensions", "clip.vision.projection_dim"),
    ):
        if info.get(key):
            yield name, str(info[key])


def _lines(fields: Mapping[str, Any], part: str) -> list[str]:
    return [line.strip() for line in str(fields.get(part) or "").splitlines() if line.strip()]


def _shortened(lines: list[str]) -> list[str]:
    return lines if len(lines) <= LINES else [*lines[:LINES], "..."]
