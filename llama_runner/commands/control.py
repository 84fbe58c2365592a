"""``ps``, ``load``, ``unload``, ``pin`` and ``unpin``: models of the program that serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from llama_runner.cli import ExitCode, Options
from llama_runner.commands.asking import ask_running
from llama_runner.memory.amounts import Amounts, in_words


def ps(options: Options) -> ExitCode:
    """Print the models that are loaded.

    Raises:
        NotReached: nothing serves, or it does not answer.

    """
    models = [
        model
        for model in ask_running(options, "/api/status")["models"]
        if "memory" in model  # which is told only of what is loaded
    ]
    _print(options, {"models": models}, lambda: "\n".join(_rows(models)) or "no model is loaded")
    return ExitCode.NORMAL


def load(options: Options) -> ExitCode:
    """Load a model and wait until it is, or tell what that would take.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: it cannot be loaded, and why.

    """
    if options.check:
        seen = ask_running(
            options, f"/api/models/outlook?model={quote(options.model or '', safe='')}"
        )
        _print(options, seen, lambda: _outlook(seen))
        return ExitCode.NORMAL
    told = ask_running(options, "/api/models/load", {"model": options.model}, within=None)
    _print(options, told, lambda: f"{told['model']} is loaded")
    return ExitCode.NORMAL


def unload(options: Options) -> ExitCode:
    """Stop a model and wait until its memory is given back.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model.

    """
    told = ask_running(options, "/api/models/unload", {"model": options.model}, within=None)
    done = "was unloaded" if told["was_loaded"] else "was not loaded"
    _print(options, told, lambda: f"{told['model']} {done}")
    return ExitCode.NORMAL


def pin(options: Options) -> ExitCode:
    """Keep a model loaded, or no longer.

    Raises:
        NotReached: nothing serves, or it does not answer.
        Refused: there is no such model.

    """
    fields = {"model": options.model, "pinned": options.command == "pin"}
    told = ask_running(options, "/api/models/pin", fields)
    done = "is pinned" if told["pinned"] else "is no longer pinned"
    _print(options, told, lambda: f"{told['model']} {done}")
    return ExitCode.NORMAL


def _print(options: Options, fields: Mapping[str, Any], text: Callable[[], str]) -> None:
    print(json.dumps(fields) if options.json else text())


def _rows(models: list[Mapping[str, Any]]) -> list[str]:
    return [
        f"{model['key']:<40} {model['state']:<9} {in_words(Amounts(model['memory'])):<24} "
        f"{model['serving']} of {model['slots']} slots busy, {_stay(model)}"
        for model in models
    ]


def _stay(model: Mapping[str, Any]) -> str:
    if model["pinned"]:
        return "pinned"
    seconds = model["expires_in"]
    return "stays while there is room" if seconds is None else f"idle for {seconds:.0f} s more"


def _outlook(seen: Mapping[str, Any]) -> str:
    if seen["loaded"]:
        return f"{seen['model']} is loaded"
    if not seen["can_load"]:
        return f"{seen['model']} cannot be loaded: {seen['reason']}"
    lines = [f"{seen['model']} can be loaded, in about {seen['seconds']} s"]
    if seen["evicts"]:
        lines.append(f"  these would be stopped for it: {', '.join(seen['evicts'])}")
    if seen["waits_for"]:
        lines.append(f"  once they have answered: {', '.join(seen['waits_for'])}")
    return "\n".join(lines)
